package dev.tidemill.monitoring.domain;

import java.time.Duration;

/**
 * How a deployment is watched; all durations are event time.
 *
 * @param window length of the windows that quality and drift are told for
 * @param labelDelay how long after an event its label is sure to have arrived
 * @param every how often rollouts and windows are looked at
 * @param coverage share of a window's rows that must be labelled for its error to count
 * @param missingRise by how much the share of missing values of a feature may rise before the data counts as broken
 */
public record Monitor(Duration window, Duration labelDelay, Duration every, double coverage, double missingRise) {
    /** Where nothing names a window. */
    static final Duration SHORTEST_HORIZON = Duration.ofDays(7);

    /** How far neighbouring event times may be apart and still be of one stretch of data: a week, or a window where that is longer. */
    Duration horizon() {
        return window.compareTo(SHORTEST_HORIZON) > 0 ? window : SHORTEST_HORIZON;
    }
}
