package dev.tidemill.inference.domain;

import java.util.Map;
import java.util.TreeMap;

/**
 * What a call of a model carries beside its tensors.
 *
 * @param parameters of the model, as {@link ModelParameters} has checked them: texts, numbers, truths and lists of those
 * @param cancellation whether anybody still waits for the answer
 */
public record CallContext(Map<String, Object> parameters, Cancellation cancellation) {
    /** A call without parameters that somebody waits for in any case. */
    public static final CallContext NONE = new CallContext(Map.of(), Cancellation.NEVER);

    /** The same, with what a model declares of the parameters: for one of several models that a call is for. */
    public CallContext of(LoadedModel model) {
        if (parameters.isEmpty()) {
            return this;
        }
        Map<String, Object> own = new TreeMap<>(parameters);
        own.keySet()
                .retainAll(model.parameters().stream().map(ParameterSpec::name).toList());
        return new CallContext(own, cancellation);
    }

    /** The same, whoever waits. */
    CallContext with(Cancellation other) {
        return new CallContext(parameters, other);
    }
}
