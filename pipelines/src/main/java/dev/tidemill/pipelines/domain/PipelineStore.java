package dev.tidemill.pipelines.domain;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps pipelines, runs and steps. Every change of a step's state is a compare-and-set on its state and fence, so two
 * workers, or a worker and a ghost of itself, never both succeed. All methods join the caller's transaction.
 */
public interface PipelineStore {
    /** A version of a pipeline as stored. */
    record PipelineVersion(String project, String name, int version, String digest, Pipeline pipeline) {}

    void savePipeline(PipelineVersion version);

    Optional<PipelineVersion> findPipeline(String project, String name);

    Optional<PipelineVersion> findPipeline(String project, String name, int version);

    /** The newest version of each. */
    List<PipelineVersion> pipelines(String project);

    /** Inserts a run; false if its request key has been used. */
    boolean insertRun(PipelineRun run);

    void insertStep(StepRun step, int remaining, Instant readyAt);

    Optional<PipelineRun> findRun(String project, PipelineRunId id);

    PipelineRun run(PipelineRunId id);

    Optional<PipelineRun> findRunByKey(String project, String requestKey);

    List<PipelineRun> newestRuns(String project, Optional<String> pipeline, Optional<String> before, int limit);

    List<PipelineRun> unfinishedRuns();

    List<StepRun> steps(PipelineRunId run);

    /** The states that any step of the run is in. */
    Set<StepState> states(PipelineRunId run);

    /** Makes units of work that hold the same run follow one another: each sees what the ones before it have done. */
    void holdRun(PipelineRunId run);

    boolean moveRun(PipelineRunId run, Collection<RunState> from, RunState to, Optional<String> error, Instant at);

    /** Takes a step that is ready, raising its fence; empty if none is. */
    Optional<StepRun> claim(String owner, Instant now, Instant leaseUntil);

    /** When the next step that is ready but must wait may start. */
    Optional<Instant> nextReadyAt();

    /** Renews the leases of these steps, where the owner still holds them under the fence that they were claimed with. */
    void renewLeases(String owner, Collection<StepRun> steps, Instant leaseUntil);

    /** Makes running steps whose lease is over ready again; returns how many. */
    int reclaimExpired(Instant now, Instant readyAt);

    /** Makes all running steps ready again, for a server that knows that no other one is there. */
    int reclaimAll(Instant readyAt);

    void recordInputs(PipelineRunId run, String step, long fence, Map<String, Object> inputs);

    /** Ends a running step; false if the fence is no longer the newest. */
    boolean finish(
            PipelineRunId run,
            String step,
            long fence,
            StepState to,
            Map<String, Object> outputs,
            boolean cached,
            Optional<String> error,
            Instant at);

    /** Sends a running step back to wait for another attempt; false if the fence is no longer the newest. */
    boolean retry(PipelineRunId run, String step, long fence, boolean countsAsFailure, String error, Instant readyAt);

    /** Counts down what dependents wait for, and makes those ready that wait for nothing any more. */
    void release(PipelineRunId run, Collection<String> dependentSteps, Instant readyAt);

    /** Moves all steps of a run that are in one of the states. */
    int moveSteps(PipelineRunId run, Collection<StepState> from, StepState to, Instant at);

    /** Puts failed, skipped and cancelled steps back to wait, with what they still need. */
    void reopen(PipelineRunId run, Map<String, Integer> remainingByName, Instant readyAt);

    Optional<Map<String, Object>> cached(String project, String cacheKey);

    void cache(String project, String cacheKey, Map<String, Object> outputs, String madeBy, Instant at);
}
