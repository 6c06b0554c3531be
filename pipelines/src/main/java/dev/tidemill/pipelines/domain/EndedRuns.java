package dev.tidemill.pipelines.domain;

import java.time.Instant;
import java.util.List;

/** Runs that have ended and what steps have left for others to reuse, to be removed once they are old. Joins the caller's transaction. */
public interface EndedRuns {
    /**
     * Runs that ended before a time, oldest first; without the newest of each pipeline, and without those that something else, such as
     * a registered model, names as what made it.
     *
     * @param newestKept runs of each pipeline that stay whatever their age
     */
    List<PipelineRunId> find(Instant endedBefore, int newestKept, int limit);

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
