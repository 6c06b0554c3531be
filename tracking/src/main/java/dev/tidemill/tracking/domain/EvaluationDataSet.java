package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A named set of questions with expected answers, against which applications are evaluated.
 *
 * @param schema and profile of its records as JSON texts, empty while it has none
 * @param digest changes with every change of the records
 * @param experiments ids of the experiments that use it
 */
public record EvaluationDataSet(
        String id,
        String project,
        String name,
        Map<String, String> tags,
        String schema,
        String profile,
        String digest,
        String createdBy,
        String updatedBy,
        Instant createdAt,
        Instant updatedAt,
        List<Long> experiments) {
    /**
     * One question. Every value is JSON text.
     *
     * @param inputs identify the record within its set
     * @param sourceType one of MLflow's words, such as {@code HUMAN}
     */
    public record Row(
            String id,
            String inputs,
            Optional<String> outputs,
            Optional<String> expectations,
            Optional<String> tags,
            Optional<String> source,
            String sourceType,
            Optional<String> sourceId,
            String createdBy,
            String updatedBy,
            Instant createdAt,
            Instant updatedAt) {}
}
