package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * Something for which the loop does not act on a deployment now.
 *
 * @param actionNeeded whether something is wrong that somebody has to mend; false where time, labels or data that are on their way will
 *     do, and where it was defined so
 * @param reason what it is, with its values
 * @param remedy what to do, or what is waited for
 * @param from begin of the window that is meant, if one is
 * @param until its end
 */
public record Obstacle(
        Kind kind,
        boolean actionNeeded,
        String reason,
        String remedy,
        Optional<Instant> from,
        Optional<Instant> until) {
    /** What kind of obstacle it is. */
    public enum Kind {
        NOT_SERVED,
        LOADING,
        NO_MONITOR,
        NO_POLICY,
        NO_RETRAINING,
        NO_CHAMPION,
        CHAMPION_DELETED,
        NO_PREDICTIONS,
        HALTED,
        QUARANTINED_PREDICTIONS,
        RETRAINING_RUNS,
        RETRAINING_FAILED,
        TRIAL_RUNS,
        TOO_FEW_ROWS,
        COOL_DOWN,
        NO_WINDOW,
        BROKEN_WINDOW,
        NO_LABELS,
        TOO_FEW_LABELS,
        LATE_LABELS,
        ANSWERS_NOT_COMPARABLE,
        LOSSES_DIFFER,
        NO_REFERENCE_ERROR,
        QUALITY_HOLDS,
        BEHIND,
        WAITING_FOR_DATA
    }

    /** One that somebody has to remove. */
    static Obstacle toRemove(Kind kind, String reason, String remedy) {
        return new Obstacle(kind, true, reason, remedy, Optional.empty(), Optional.empty());
    }

    /** One that goes by itself, or is as was defined. */
    static Obstacle toAwait(Kind kind, String reason, String remedy) {
        return new Obstacle(kind, false, reason, remedy, Optional.empty(), Optional.empty());
    }

    Obstacle of(ClosedWindow window) {
        return new Obstacle(
                kind, actionNeeded, reason, remedy, Optional.of(window.startsAt()), Optional.of(window.endsAt()));
    }
}
