package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One training run.
 *
 * @param sourceKey what made it, such as a pipeline step; unique in the project
 * @param artifacts URI below which its artifacts are
 * @param modelDigest digest of the folder of the model it made
 * @param metrics the latest point of each, by name
 */
public record Run(
        RunId id,
        String project,
        long experimentId,
        String name,
        Optional<String> sourceKey,
        String user,
        Status status,
        boolean deleted,
        Instant startedAt,
        Optional<Instant> endedAt,
        String artifacts,
        Optional<String> modelDigest,
        Map<String, String> params,
        Map<String, MetricPoint> metrics,
        Map<String, String> tags,
        List<DataSetInput> inputs,
        List<ModelLink> models) {
    /** How it goes, in MLflow's words. */
    public enum Status {
        RUNNING,
        SCHEDULED,
        FINISHED,
        FAILED,
        KILLED
    }

    /** A run as it starts, with nothing logged yet. */
    public static Run started(
            RunId id, Experiment experiment, String name, Optional<String> sourceKey, String user, Instant startedAt) {
        return new Run(
                id,
                experiment.project(),
                experiment.id(),
                name,
                sourceKey,
                user,
                Status.RUNNING,
                false,
                startedAt,
                Optional.empty(),
                experiment.artifactLocation() + "/" + id.value() + "/artifacts",
                Optional.empty(),
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                List.of());
    }
}
