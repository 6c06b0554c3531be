package dev.tidemill.pipelines.domain;

/** Where a step's instance is. */
public enum StepState {
    /** Some of what it needs has not succeeded yet. */
    WAITING,
    /** It may start, from its ready time on. */
    READY,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED,
    /** Something it needs failed. */
    SKIPPED;

    public boolean isFinal() {
        return this == SUCCEEDED || this == FAILED || this == CANCELLED || this == SKIPPED;
    }
}
