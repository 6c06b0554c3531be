package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.time.EventTime;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What to predict.
 *
 * @param id of the request; the prediction ids derive from it, so the same id sent again is the same predictions
 * @param named whether who asks has chosen the id, and so may send it again
 * @param eventTime when what the rows describe happened
 * @param entity whom they are about; the same entity always takes the same route
 * @param inputs at least one
 * @param actor who asks; empty where nobody is known
 * @param context parameters for the model, as they came, and whether the answer is still waited for
 */
public record InferenceRequest(
        String id,
        boolean named,
        Instant eventTime,
        Optional<String> entity,
        List<Tensor> inputs,
        String actor,
        CallContext context) {
    private static final int LONGEST_ID = 200;

    /**
     * Makes a request of what came over a wire.
     *
     * @param id as given; none or blank gets a new one
     * @param eventTime ISO 8601 as given; none is now
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the part that does not fit
     */
    public static InferenceRequest of(
            Optional<String> id,
            Optional<String> eventTime,
            Optional<String> entity,
            List<Tensor> inputs,
            Instant now) {
        Optional<String> given = id.filter(text -> !text.isBlank());
        String kept = given.orElseGet(Ids::next);
        if (kept.length() > LONGEST_ID) {
            throw TidemillException.invalid("id", "The id is longer than " + LONGEST_ID + " characters");
        }
        // Else the prediction could not be journalled.
        StorableText.require("The id", kept);
        entity.ifPresent(text -> StorableText.require("The entity", text));
        InputBinding.check(inputs);
        return new InferenceRequest(
                kept,
                given.isPresent(),
                eventTime.map(InferenceRequest::time).orElse(now),
                entity,
                inputs,
                "",
                CallContext.NONE);
    }

    private static Instant time(String text) {
        return EventTime.instant("parameters.event_time", text);
    }

    /** The same, asked by somebody. */
    public InferenceRequest by(String who) {
        return new InferenceRequest(id, named, eventTime, entity, inputs, who, context);
    }

    /** The same, with what the call carries beside its tensors. */
    public InferenceRequest with(CallContext other) {
        return new InferenceRequest(id, named, eventTime, entity, inputs, actor, other);
    }

    /** What a model is called with: the parameters as it declares them. */
    CallContext context(LoadedModel model, Cancellation cancellation) {
        return new CallContext(ModelParameters.fit(model.parameters(), context.parameters()), cancellation);
    }

    /** How many rows it asks about: the size of the first dimension of all its inputs, or 1 where they differ in it. */
    public int rows() {
        return Tensor.haveRows(inputs) ? inputs.getFirst().rows() : 1;
    }

    /** Id of one row's prediction. */
    public String predictionId(int row) {
        return rows() == 1 ? id : id + "." + row;
    }

    /**
     * All of it by name, as it is journalled where the answer is not one for each row: of more than one value each is called by the
     * tensor's name and its number.
     *
     * @param fitted what the model was given
     */
    Map<String, @Nullable Object> whole(List<Tensor> fitted) {
        Map<String, @Nullable Object> values = new HashMap<>();
        Stream.concat(inputs.stream(), fitted.stream()).forEach(tensor -> {
            for (int i = 0; i < tensor.size(); i++) {
                values.put(tensor.size() == 1 ? tensor.name() : tensor.name() + "." + i, tensor.value(i));
            }
        });
        return values;
    }

    /**
     * A row by column, as it is journalled: in the model's names, beside columns that the model does not ask for. Of a matrix,
     * columns are called by its name and their number.
     *
     * @param fitted what the model was given
     */
    Map<String, @Nullable Object> row(int row, List<Tensor> fitted) {
        Map<String, @Nullable Object> values = HashMap.newHashMap(inputs.size());
        for (Tensor tensor : inputs) {
            if (tensor.isColumn()) {
                values.put(tensor.name(), tensor.value(row));
            }
        }
        for (Tensor tensor : fitted) {
            int width = tensor.width();
            if (width == 1) {
                values.put(tensor.name(), tensor.value(row));
                continue;
            }
            for (int i = 0; i < width; i++) {
                values.put(tensor.name() + "." + i, tensor.value(row * width + i));
            }
        }
        return values;
    }
}
