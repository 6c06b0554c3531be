package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps monitors, journals, windows and states. All methods join the caller's transaction. */
public interface MonitorStore {
    void saveMonitor(String project, String name, Monitor monitor);

    Optional<Monitor> findMonitor(String project, String name);

    /** Adds predictions; those whose id is known are left out. */
    void addPredictions(List<Prediction> batch);

    Optional<JournalRow> findRow(String project, String deployment, String id);

    /** Sets a row's label, the first time. */
    void label(
            String project,
            String deployment,
            String id,
            String label,
            Instant at,
            Optional<Double> championLoss,
            Optional<Double> challengerLoss);

    /** Rows of an interval of event time, in order of event time and id. */
    List<JournalRow> rows(String project, String deployment, Instant from, Instant until);

    /** On how many rows of an interval of event time a challenger was asked, and on how many of them it failed. */
    Reliability reliability(String project, String deployment, int challenger, Instant from, Instant until);

    Optional<MonitorState> findState(String project, String deployment);

    List<MonitorState> states();

    /** Creates the state if there is none. */
    void createState(MonitorState state);

    void saveState(MonitorState state);

    /** Moves the watermark forward; never back. A declared one is not moved by what merely arrives. */
    void moveWatermark(String project, String deployment, Instant watermark, boolean declared);

    void addWindow(String project, String deployment, ClosedWindow window);

    /** Oldest first. */
    List<ClosedWindow> windows(String project, String deployment);
}
