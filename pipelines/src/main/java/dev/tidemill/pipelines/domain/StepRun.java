package dev.tidemill.pipelines.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One instance of a step in a run.
 *
 * @param name unique in the run
 * @param choice this instance's combination of the matrix
 * @param attempt number of the newest attempt; 0 before the first
 * @param failures attempts that failed by the step's own doing
 * @param fence rises with each claim; a result is taken only from the holder of the newest
 * @param cached whether the outputs were reused
 */
public record StepRun(
        PipelineRunId runId,
        String name,
        String step,
        int position,
        Map<String, Object> choice,
        StepState state,
        int attempt,
        int failures,
        long fence,
        boolean cached,
        Map<String, Object> inputs,
        Map<String, Object> outputs,
        Optional<String> error,
        Optional<Instant> startedAt,
        Optional<Instant> finishedAt) {}
