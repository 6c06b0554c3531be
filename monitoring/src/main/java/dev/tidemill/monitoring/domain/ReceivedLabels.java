package dev.tidemill.monitoring.domain;

import java.util.List;

/**
 * How labels were received.
 *
 * @param accepted labels of predictions that had none
 * @param corrected labels that took the place of others
 * @param repeated labels that were there already
 * @param unknown ids that no prediction has
 * @param lost those among them whose predictions were answered, but not journalled, and ids under which two were answered and one
 *     was journalled
 * @param late those accepted or corrected when their rows had been summed: later than the monitor's label delay. They are kept, and
 *     count in no window and no trial
 * @param refused those of predictions whose version is gone or cannot be opened, so that nobody can tell what the label means
 */
public record ReceivedLabels(
        int accepted,
        int corrected,
        int repeated,
        List<String> unknown,
        List<String> lost,
        int late,
        List<Refused> refused) {
    /** A label that was not taken, and why. */
    public record Refused(String id, String reason) {}
}
