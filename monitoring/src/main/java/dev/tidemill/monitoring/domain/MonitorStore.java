package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.time.EventTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps monitors, windows and states. All methods join the caller's unit of work. */
public interface MonitorStore {
    /** Before all event times, and within what both databases take. */
    Instant BEGINNING = EventTime.EARLIEST.minus(Duration.ofDays(36_500));

    void saveMonitor(String project, String name, Monitor monitor);

    Optional<Monitor> findMonitor(String project, String name);

    /** The monitor that a deployment names. */
    default Optional<Monitor> monitorOf(Deployment deployment) {
        return deployment
                .definition()
                .monitor()
                .map(name -> findMonitor(deployment.project(), name)
                        .orElseThrow(() -> TidemillException.notFound("monitor", name)));
    }

    Optional<MonitorState> findState(String project, String deployment);

    /** As {@link #findState}, and nobody else changes it until the end of the unit of work. */
    Optional<MonitorState> lockState(String project, String deployment);

    List<MonitorState> states();

    /** Creates the state if there is none. */
    void createState(MonitorState state);

    /** Replaces what was decided if that is still as it was before; the clock is left alone. */
    boolean saveProgress(MonitorState before, MonitorState after);

    /** Replaces the clock and, where its origin has moved, what was decided. The state is locked by the caller. */
    void saveClock(MonitorState state);

    /** Sets the watermark that the sender declares; never back behind one that was declared before. */
    void declareWatermark(String project, String deployment, Instant watermark, Instant declaredAt);

    /** Notes why no tick can be taken, or that they can be again. */
    void saveHalt(String project, String deployment, Optional<MonitorState.Halt> halt);

    /** Deployments whose ticks fail. */
    long halted();

    void countLateLabels(String project, String deployment, int count);

    void addWindow(String project, String deployment, ClosedWindow window, Instant closedAt);

    /** The newest windows that ended after a time and before another, oldest first. */
    List<ClosedWindow> newestWindows(
            String project, String deployment, Instant endedAfter, Instant endedBefore, int limit);

    /** What the newest window of a champion that ended after a time was held against; empty where none was held against anything. */
    Optional<Double> lastReference(String project, String deployment, int version, Instant endedAfter);

    /** The first windows of a champion that ended after a time and {@linkplain ReferenceError#measures measure} it, oldest first. */
    List<ClosedWindow> firstMeasuredWindows(
            String project, String deployment, int version, Instant endedAfter, int limit);

    /**
     * As {@link #newestWindows}, of all that ended before a time, fewer than asked for where they hold much. They count to the request
     * that asks for them.
     */
    Portion<ClosedWindow> windowsPage(String project, String deployment, Instant endedBefore, int limit);

    /** The newest window that ended before a time. */
    default Optional<ClosedWindow> lastWindow(String project, String deployment, Instant endedBefore) {
        return newestWindows(project, deployment, BEGINNING, endedBefore, 1).stream()
                .findFirst();
    }

    /** A deployment that is gone, and when it went. */
    record Gone(String project, String deployment, Instant at) {}

    /** Forgets state, windows, slices and counts of a deployment that is gone, and notes that its journal is to go too. */
    void forget(String project, String deployment, Instant at);

    /** Deployments that are gone and whose journal is not. */
    List<Gone> gone();

    Optional<Gone> findGone(String project, String deployment);

    /** Whether it is still noted; nobody else changes that until the end of the unit of work. */
    boolean hold(Gone gone);

    /** Notes that nothing is left of a deployment that is gone. */
    void settle(Gone gone);

    /** Dates windows that were closed before their closing was dated. */
    void dateUndated(Instant now);

    /** Deletes windows that were closed before a time, the oldest first; how many. */
    int deleteWindowsBefore(Instant time, int limit);
}
