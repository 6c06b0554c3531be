package dev.tidemill.inference.domain;

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
    /** Id of one row's prediction. */
    public String predictionId(int row) {
        return rows.size() == 1 ? id : id + "." + row;
    }
}
