package dev.tidemill.pipelines.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Runs that have ended and what steps have left for others to reuse, to be removed once they are old. Joins the caller's transaction. */
public interface EndedRuns {
    /** A run that ended. */
    record Ended(PipelineRunId id, Instant finishedAt) {}

    /**
     * Runs that ended before a time, oldest first; without the newest of each pipeline.
     *
     * @param newestKept runs of each pipeline that stay whatever their age
     * @param after the last one of those that were found before; empty for the first
     */
    List<Ended> find(Instant endedBefore, int newestKept, Optional<Ended> after, int limit);

    /** The steps of runs. */
    List<StepOfRun> steps(List<PipelineRunId> runs);

    /** A step by its run and name. */
    record StepOfRun(PipelineRunId run, String step) {
        /** As what it made names it. */
        public String reference() {
            return run.value() + "/" + step;
        }
    }

    /** What the steps of runs were given and gave, as JSON. */
    List<String> texts(List<PipelineRunId> runs);

    /** Removes runs with their steps. */
    void delete(List<PipelineRunId> runs);

    /** What may be reused of steps that ended before a time, as JSON, by key. */
    List<Reusable> reusable(Instant madeBefore, int limit);

    /** The outputs of a step that equal inputs would give again. */
    record Reusable(String project, String key, String outputs) {}

    void deleteReusable(List<Reusable> entries);
}
