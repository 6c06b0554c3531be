package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model that a client has logged, with what was measured of it.
 *
 * @param id {@code m-} and 32 hexadecimal digits
 * @param sourceRun id of the run that made it; empty for none
 * @param artifacts URI of its folder
 */
public record LoggedModel(
        String id,
        String project,
        long experimentId,
        String name,
        String modelType,
        Status status,
        String statusMessage,
        String sourceRun,
        String artifacts,
        boolean deleted,
        Instant createdAt,
        Instant updatedAt,
        Map<String, String> params,
        Map<String, String> tags,
        List<Measured> metrics) {
    /** Whether its files are complete. */
    public enum Status {
        LOGGED_MODEL_STATUS_UNSPECIFIED,
        LOGGED_MODEL_PENDING,
        LOGGED_MODEL_READY,
        LOGGED_MODEL_UPLOAD_FAILED
    }

    /** A metric of a model, the run that measured it and the data it was measured on. */
    public record Measured(
            MetricPoint point, String runId, Optional<String> dataSetName, Optional<String> dataSetDigest) {}
}
