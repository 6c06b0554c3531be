package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * How far the watching of a deployment has come.
 *
 * @param clock how far its data has come
 * @param processed the newest tick that has been decided
 * @param windowsTill end of the newest window that was closed
 * @param slicedTill event time up to which the journal has been summed; empty before the first time
 * @param pendingRun the retraining that later ticks wait for
 * @param lastRun the newest retraining, whatever has become of it
 * @param trainedTill event time up to which the newest training has seen labels
 * @param lateLabels labels that came when their rows had been summed, later than the monitor's label delay, and so count
 *     in no window and no trial
 * @param halt why its ticks fail; empty where they do not
 */
public record MonitorState(
        String project,
        String deployment,
        EventClock clock,
        Instant processed,
        Instant windowsTill,
        Optional<Instant> slicedTill,
        Optional<String> pendingRun,
        Optional<String> lastRun,
        Optional<Instant> trainedTill,
        long lateLabels,
        Optional<Halt> halt) {
    /**
     * Why no tick can be taken, though some are due; it is tried again and again.
     *
     * @param since when it became known
     */
    public record Halt(String reason, Instant since) {}

    /** The state of a deployment whose first prediction has come. */
    static MonitorState first(String project, String deployment, EventClock clock, Optional<Instant> trainedTill) {
        return new MonitorState(
                project,
                deployment,
                clock,
                clock.origin(),
                clock.origin(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                trainedTill,
                0,
                Optional.empty());
    }

    /** The same, of another clock; what was decided before a changed origin is forgotten. */
    MonitorState withClock(EventClock now) {
        boolean same = now.origin().equals(clock.origin());
        return new MonitorState(
                project,
                deployment,
                now,
                same ? processed : now.origin(),
                same ? windowsTill : now.origin(),
                same ? slicedTill : Optional.empty(),
                pendingRun,
                lastRun,
                trainedTill,
                lateLabels,
                halt);
    }

    /** Whether no window has been closed. */
    boolean isUndecided() {
        return windowsTill.equals(clock.origin());
    }

    MonitorState withProgress(Instant tick, Instant windows, Instant slices) {
        return new MonitorState(
                project,
                deployment,
                clock,
                tick,
                windows,
                Optional.of(slices),
                pendingRun,
                lastRun,
                trainedTill,
                lateLabels,
                halt);
    }

    MonitorState withPendingRun(Optional<String> run) {
        return new MonitorState(
                project,
                deployment,
                clock,
                processed,
                windowsTill,
                slicedTill,
                run,
                run.or(() -> lastRun),
                trainedTill,
                lateLabels,
                halt);
    }

    MonitorState withTrainedTill(Instant time) {
        return new MonitorState(
                project,
                deployment,
                clock,
                processed,
                windowsTill,
                slicedTill,
                pendingRun,
                lastRun,
                Optional.of(time),
                lateLabels,
                halt);
    }
}
