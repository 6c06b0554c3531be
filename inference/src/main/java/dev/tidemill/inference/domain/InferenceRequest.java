package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Rows to predict.
 *
 * @param id of the request; the prediction ids derive from it, so the same id sent again is the same predictions
 * @param eventTime when what the rows describe happened
 * @param entity whom they are about; the same entity always takes the same route
 */
public record InferenceRequest(
        String id, Instant eventTime, Optional<String> entity, List<Map<String, @Nullable Object>> rows) {
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
            List<InputTensor> tensors,
            Instant now) {
        String kept = id.filter(text -> !text.isBlank()).orElseGet(Ids::next);
        if (kept.length() > LONGEST_ID) {
            throw TidemillException.invalid("id", "The id is longer than " + LONGEST_ID + " characters");
        }
        return new InferenceRequest(
                kept, eventTime.map(InferenceRequest::time).orElse(now), entity, InputTensor.rows(tensors));
    }

    private static Instant time(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            throw TidemillException.invalid(
                    "parameters.event_time", "'" + text + "' is not a time such as 2011-04-01T08:00:00Z");
        }
    }

    /** Id of one row's prediction. */
    public String predictionId(int row) {
        return rows.size() == 1 ? id : id + "." + row;
    }
}
