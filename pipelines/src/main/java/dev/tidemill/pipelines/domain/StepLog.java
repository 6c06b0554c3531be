package dev.tidemill.pipelines.domain;

/** Where the lines that steps print are kept. Bounded: what exceeds the bound is counted, not kept. Thread-safe. */
public interface StepLog {
    void append(PipelineRunId run, String step, int attempt, String line);

    /** A stretch of the log. */
    record Chunk(String text, long nextOffset) {}

    /** Whole lines from an offset in bytes on, all attempts in order. */
    Chunk read(PipelineRunId run, String step, long offset, int limit);

    /** Removes what the steps of a run have logged. */
    void delete(PipelineRunId run);
}
