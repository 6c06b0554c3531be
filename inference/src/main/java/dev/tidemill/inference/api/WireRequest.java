package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A request of the Open Inference Protocol, whatever the wire.
 *
 * @param parameters of the whole request; texts, numbers and truths
 * @param outputs that are asked for; none asks for all
 * @param binaryOutput whether outputs that say nothing else travel in binary form
 */
record WireRequest(
        Optional<String> id,
        Map<String, Object> parameters,
        List<Tensor> inputs,
        List<RequestedOutput> outputs,
        boolean binaryOutput) {
    /**
     * An output that is asked for.
     *
     * @param classes how many classes to tell of each row instead of the values; 0 for the values
     */
    record RequestedOutput(String name, Optional<Boolean> binary, int classes) {
        private static final int MOST_CLASSES = 100_000;

        /** Reads what the parameters of an output say. */
        static RequestedOutput of(String name, Map<String, Object> parameters) {
            Optional<Boolean> binary =
                    parameters.get("binary_data") instanceof Boolean told ? Optional.of(told) : Optional.empty();
            Object classes = parameters.getOrDefault("classification", 0L);
            if (!(classes instanceof Number number) || number.longValue() < 0 || number.longValue() > MOST_CLASSES) {
                throw TidemillException.invalid(
                        "classification", "'" + classes + "' is not a number of classes from 0 to " + MOST_CLASSES);
            }
            return new RequestedOutput(name, binary, number.intValue());
        }
    }

    InferenceRequest request(Instant now) {
        return InferenceRequest.of(id, text("event_time"), text("entity"), inputs, now);
    }

    private Optional<String> text(String parameter) {
        return Optional.ofNullable(parameters.get(parameter)).map(String::valueOf);
    }
}
