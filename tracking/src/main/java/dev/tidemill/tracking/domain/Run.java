package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One training run.
 *
 * @param sourceKey what made it, such as a pipeline step; unique in the project
 * @param metrics the newest value of each
 * @param modelDigest digest of the folder of the model it made
 */
public record Run(
        RunId id,
        String project,
        long experimentId,
        String name,
        Optional<String> sourceKey,
        Status status,
        Instant startedAt,
        Optional<Instant> endedAt,
        Optional<String> modelDigest,
        Map<String, String> params,
        Map<String, Double> metrics,
        Map<String, String> tags) {
    /** How it goes, in MLflow's words. */
    public enum Status {
        RUNNING,
        FINISHED,
        FAILED,
        KILLED
    }
}
