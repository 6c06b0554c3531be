package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A journalled prediction with its label, once that has arrived.
 *
 * @param championLoss of the champion's output; present with the label
 */
public record JournalRow(
        String id,
        Instant eventTime,
        Map<String, Object> features,
        boolean challengerServed,
        int championVersion,
        List<Double> champion,
        Optional<Integer> challengerVersion,
        List<Double> challenger,
        Optional<String> label,
        Optional<Double> championLoss,
        Optional<Double> challengerLoss) {
    /** What was answered. */
    public List<Double> served() {
        return challengerServed ? challenger : champion;
    }

    /** Loss of what was answered. */
    public Optional<Double> servedLoss() {
        return challengerServed ? challengerLoss : championLoss;
    }
}
