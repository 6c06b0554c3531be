package dev.tidemill.tracking.domain;

import java.util.Optional;

/**
 * One piece of work within a trace.
 *
 * @param id 16 hexadecimal digits
 * @param parentId empty for the root
 * @param startedNanos since the epoch
 * @param endedNanos since the epoch; empty while it goes on
 * @param attributes a JSON object of texts, by name
 * @param content the whole span in the JSON form of OTLP's protobuf
 */
public record TraceSpan(
        String id,
        Optional<String> parentId,
        String name,
        String type,
        String status,
        long startedNanos,
        Optional<Long> endedNanos,
        String attributes,
        String content) {
    /** Attribute in which a span tells how many tokens it used, as a JSON object. */
    public static final String USAGE = "mlflow.chat.tokenUsage";
}
