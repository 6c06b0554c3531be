package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A journalled prediction with its label, once that has arrived.
 *
 * @param championLoss of the champion's output; present with the label
 * @param quarantine why its event time is not believed; empty where it is
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
        Optional<Double> challengerLoss,
        Optional<Quarantine> quarantine) {
    /** What was answered. */
    public List<Double> served() {
        return challengerServed ? challenger : champion;
    }

    /** Loss of what was answered. */
    public Optional<Double> servedLoss() {
        return challengerServed ? challengerLoss : championLoss;
    }

    /** Where it stands in the order of event time and id. */
    public JournalStore.Position position() {
        return new JournalStore.Position(eventTime, id);
    }
}
