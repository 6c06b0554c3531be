package dev.tidemill.features.domain;

import java.time.Instant;
import java.util.Map;
import java.util.function.Consumer;

/** Rows that a deployment has served and whose labels have arrived since. Thread-safe. */
@FunctionalInterface
public interface LabelledRows {
    /**
     * Gives the feature values, event time and label of each served row, by column of the view, in event-time order. Rows
     * are given as they are read; they are never all in memory.
     *
     * @param from first event time
     * @param until end, exclusive; nothing at or after it is given, whatever has arrived
     */
    void forEach(
            String project,
            String deployment,
            FeatureView view,
            Instant from,
            Instant until,
            Consumer<Map<String, Object>> taker);
}
