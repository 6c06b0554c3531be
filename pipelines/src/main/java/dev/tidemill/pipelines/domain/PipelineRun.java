package dev.tidemill.pipelines.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One run of a pipeline.
 *
 * @param pipelineVersion the version of the definition it follows to its end
 * @param cause subject that led to it, such as a monitoring decision
 */
public record PipelineRun(
        PipelineRunId id,
        String project,
        String pipeline,
        int pipelineVersion,
        Optional<String> requestKey,
        Map<String, String> parameters,
        RunState state,
        String actor,
        Optional<String> cause,
        Optional<String> error,
        Instant createdAt,
        Optional<Instant> finishedAt) {}
