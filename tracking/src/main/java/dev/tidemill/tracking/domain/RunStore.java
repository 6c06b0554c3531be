package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keeps experiments and runs. All methods join the caller's transaction. */
public interface RunStore {
    Experiment experiment(String project, String name, Instant now);

    List<Experiment> experiments(String project);

    /** Inserts a run without params, metrics or tags; false if its source key is taken. */
    boolean insert(Run run);

    Optional<Run> find(String project, RunId id);

    Optional<Run> findBySource(String project, String sourceKey);

    List<Run> newest(String project, Optional<Long> experiment, Optional<String> before, int limit);

    void putParams(RunId run, Map<String, String> params);

    void putTags(RunId run, Map<String, String> tags);

    /** Adds points; one that is there already changes nothing. The latest is the highest by step, then time, then value. */
    void addPoints(RunId run, List<MetricPoint> points);

    /** A metric's curve in order of step. */
    List<MetricPoint> history(RunId run, String metric, int limit);

    void finish(RunId run, Run.Status status, Instant at, Optional<String> modelDigest);
}
