package dev.tidemill.features.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Rows that a deployment has served and whose labels have arrived since. Thread-safe. */
@FunctionalInterface
public interface LabelledRows {
    /**
     * Feature values, event time and label of served rows, by column of the view, in event-time order.
     *
     * @param from first event time
     * @param until end, exclusive; nothing at or after it is given, whatever has arrived
     */
    List<Map<String, Object>> rows(String project, String deployment, FeatureView view, Instant from, Instant until);
}
