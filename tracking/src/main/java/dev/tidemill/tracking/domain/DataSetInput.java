package dev.tidemill.tracking.domain;

import java.util.Map;

/**
 * Data that a run has read, as its client describes it.
 *
 * @param schema empty if unknown
 * @param profile empty if unknown
 * @param tags of this use of the data, such as {@code mlflow.data.context}
 */
public record DataSetInput(
        String name,
        String digest,
        String sourceType,
        String source,
        String schema,
        String profile,
        Map<String, String> tags) {}
