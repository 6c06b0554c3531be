package dev.tidemill.inference.domain;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Traffic, latency and errors of the last minute: six slots of ten seconds, each with latencies counted in buckets a fifth
 * of a factor of two apart, so a percentile is off by at most 15 %. Thread-safe, without locks.
 */
public final class LiveStatistics {
    private static final int SLOTS = 6;
    private static final long SLOT_NANOS = 10_000_000_000L;
    private static final int BUCKETS = 160;
    private static final double PER_DOUBLING = 5;

    /**
     * The last minute.
     *
     * @param p50Micros median time to answer, in microseconds
     * @param shadowFailures since the process began, requests on which the side that did not answer failed
     * @param shadowDropped likewise, requests that it was not asked for want of room
     */
    public record Snapshot(
            long requests,
            long errors,
            double perSecond,
            double p50Micros,
            double p99Micros,
            long shadowFailures,
            long shadowDropped) {}

    private static final class Slot {
        private final AtomicLong epoch = new AtomicLong(-1);
        private final AtomicLong errors = new AtomicLong();
        private final AtomicLongArray buckets = new AtomicLongArray(BUCKETS);
    }

    private final Slot[] slots = new Slot[SLOTS];
    private final LongAdder shadowFailures = new LongAdder();
    private final LongAdder shadowDropped = new LongAdder();

    LiveStatistics() {
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot();
        }
    }

    void record(long nanos, boolean error) {
        long epoch = System.nanoTime() / SLOT_NANOS;
        Slot slot = slots[Math.floorMod(epoch, SLOTS)];
        long seen = slot.epoch.get();
        if (seen != epoch && slot.epoch.compareAndSet(seen, epoch)) {
            slot.errors.set(0);
            for (int i = 0; i < BUCKETS; i++) {
                slot.buckets.set(i, 0);
            }
        }
        if (error) {
            slot.errors.incrementAndGet();
        }
        slot.buckets.incrementAndGet(bucket(nanos));
    }

    void shadowFailed() {
        shadowFailures.increment();
    }

    void shadowDropped() {
        shadowDropped.increment();
    }

    private static int bucket(long nanos) {
        double micros = Math.max(1, nanos / 1000.0);
        return (int) Math.min(BUCKETS - 1, Math.log(micros) / Math.log(2) * PER_DOUBLING);
    }

    Snapshot snapshot() {
        long now = System.nanoTime() / SLOT_NANOS;
        long[] counts = new long[BUCKETS];
        long total = 0;
        long errors = 0;
        for (Slot slot : slots) {
            if (now - slot.epoch.get() < SLOTS) {
                errors += slot.errors.get();
                for (int i = 0; i < BUCKETS; i++) {
                    counts[i] += slot.buckets.get(i);
                    total += slot.buckets.get(i);
                }
            }
        }
        return new Snapshot(
                total,
                errors,
                total / 60.0,
                percentile(counts, total, 0.5),
                percentile(counts, total, 0.99),
                shadowFailures.sum(),
                shadowDropped.sum());
    }

    private static double percentile(long[] counts, long total, double share) {
        long seen = 0;
        for (int i = 0; i < BUCKETS; i++) {
            seen += counts[i];
            if (total > 0 && seen >= Math.ceil(share * total)) {
                return Math.pow(2, (i + 0.5) / PER_DOUBLING);
            }
        }
        return 0;
    }
}
