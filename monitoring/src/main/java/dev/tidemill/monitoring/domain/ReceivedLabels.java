package dev.tidemill.monitoring.domain;

import java.util.List;

/**
 * How labels were received.
 *
 * @param unknown ids that no prediction has
 * @param lost those among them whose predictions were answered, but not journalled, and ids under which two were answered and one
 *     was journalled
 * @param late those that came later than the monitor's label delay, and so count in no window and no trial
 */
public record ReceivedLabels(int accepted, int repeated, List<String> unknown, List<String> lost, int late) {}
