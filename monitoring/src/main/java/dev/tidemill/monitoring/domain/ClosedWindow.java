package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a window has shown.
 *
 * @param version champion when it began
 * @param error mean loss of what was answered; empty where too few labels have come, and where it would be the mean of
 *     losses of different kinds
 * @param referenceError what the error is held against ({@link ReferenceError}); empty while that is not known
 * @param degraded whether the error exceeds the reference by more than the policy tolerates
 * @param broken whether the data itself is at fault
 * @param faults the columns for which it is broken, the worst first; empty also where it was closed before they were kept
 * @param drift distance of each column from the reference
 * @param profile counts in the reference's bins, as plain maps
 */
public record ClosedWindow(
        Instant startsAt,
        Instant endsAt,
        int version,
        long rows,
        long labelled,
        Optional<Double> error,
        Optional<Double> referenceError,
        boolean degraded,
        boolean broken,
        List<ColumnFault> faults,
        Map<String, Object> drift,
        Map<String, Object> profile) {}
