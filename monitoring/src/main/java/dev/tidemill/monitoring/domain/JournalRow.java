package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A journalled prediction with its label, once that has arrived.
 *
 * @param champion its output: numbers, or the text of a class
 * @param championLoss of the champion's output; present with the label where the two can be compared
 * @param championLossKind what the loss is; empty without one, and where it was measured before that was kept
 * @param quarantine why its event time is not believed; empty where it is
 */
public record JournalRow(
        String id,
        Instant eventTime,
        Map<String, Object> features,
        boolean challengerServed,
        int championVersion,
        List<Object> champion,
        Optional<Integer> challengerVersion,
        List<Object> challenger,
        Optional<String> label,
        Optional<Double> championLoss,
        Optional<MeasuredLoss.Kind> championLossKind,
        Optional<Double> challengerLoss,
        Optional<MeasuredLoss.Kind> challengerLossKind,
        Optional<Quarantine> quarantine) {
    /** What was answered. */
    public List<Object> served() {
        return challengerServed ? challenger : champion;
    }

    /** Loss of what was answered. */
    public Optional<Double> servedLoss() {
        return challengerServed ? challengerLoss : championLoss;
    }

    /** What the loss of what was answered is. */
    public Optional<MeasuredLoss.Kind> servedLossKind() {
        return challengerServed ? challengerLossKind : championLossKind;
    }

    /** Where it stands in the order of event time and id. */
    public JournalStore.Position position() {
        return new JournalStore.Position(eventTime, id);
    }
}
