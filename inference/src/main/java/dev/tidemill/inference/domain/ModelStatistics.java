package dev.tidemill.inference.domain;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What one version has done since this process began, in Triton's terms. Thread-safe, without locks. */
public final class ModelStatistics {
    private final LongAdder successes = new LongAdder();
    private final LongAdder successNanos = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder failureNanos = new LongAdder();
    private final LongAdder queueNanos = new LongAdder();
    private final LongAdder computeNanos = new LongAdder();
    private final LongAdder inferences = new LongAdder();
    private final LongAdder executions = new LongAdder();
    private final AtomicLong lastMillis;

    /**
     * A reading.
     *
     * @param inferences rows predicted
     * @param executions calls of the model
     * @param lastMillis time of the last request, in milliseconds of the epoch
     */
    public record Snapshot(
            long successes,
            long successNanos,
            long failures,
            long failureNanos,
            long queueNanos,
            long computeNanos,
            long inferences,
            long executions,
            long lastMillis) {}

    /** @param now time of the first request, which is being made, in milliseconds of the epoch */
    ModelStatistics(long now) {
        lastMillis = new AtomicLong(now);
    }

    /** Time of the last request, in milliseconds of the epoch. */
    long calledAt() {
        return lastMillis.get();
    }

    void succeeded(long totalNanos, long computedNanos, int rows, boolean executed, long now) {
        successes.increment();
        successNanos.add(totalNanos);
        queueNanos.add(Math.max(0, totalNanos - computedNanos));
        computeNanos.add(computedNanos);
        inferences.add(rows);
        if (executed) {
            executions.increment();
        }
        lastMillis.lazySet(now);
    }

    void failed(long totalNanos, long now) {
        failures.increment();
        failureNanos.add(totalNanos);
        lastMillis.lazySet(now);
    }

    public Snapshot snapshot() {
        return new Snapshot(
                successes.sum(),
                successNanos.sum(),
                failures.sum(),
                failureNanos.sum(),
                queueNanos.sum(),
                computeNanos.sum(),
                inferences.sum(),
                executions.sum(),
                lastMillis.get());
    }
}
