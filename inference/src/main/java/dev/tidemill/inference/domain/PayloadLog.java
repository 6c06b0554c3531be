package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries a share of requests and their answers to sinks, each through a bounded queue of its own. A queue that is full drops
 * what has waited longest, and counts it: whoever asked has had the answer long since. Thread-safe.
 */
public final class PayloadLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PayloadLog.class);
    private static final int MOST_WAITING = 10_000;
    private static final long MOST_BYTES = 32L * 1024 * 1024;
    private static final int BATCH = 500;
    private static final long TICK_MILLIS = 500;

    /** Nothing is logged. */
    public static final PayloadLog NONE = new PayloadLog(List.of(), 0);

    /** Figures of one sink. */
    public record Figures(String sink, long delivered, long dropped) {}

    private final List<Lane> lanes;
    private final double share;

    /** @param share of the requests that is logged, from 0 to 1 */
    public PayloadLog(List<PayloadSink> sinks, double share) {
        this.share = share;
        this.lanes = sinks.stream().map(Lane::new).toList();
    }

    /** Whether the next request is one of the share. */
    boolean samples() {
        return !lanes.isEmpty() && (share >= 1 || ThreadLocalRandom.current().nextDouble() < share);
    }

    void add(Payload payload) {
        lanes.forEach(lane -> lane.add(payload));
    }

    public List<Figures> figures() {
        return lanes.stream()
                .map(lane -> new Figures(lane.sink.name(), lane.delivered.get(), lane.dropped.get()))
                .toList();
    }

    @Override
    public void close() {
        lanes.forEach(Lane::close);
    }

    private static final class Lane {
        private final PayloadSink sink;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition filled = lock.newCondition();
        private final ArrayDeque<Payload> queue = new ArrayDeque<>();
        private final AtomicLong delivered = new AtomicLong();
        private final AtomicLong dropped = new AtomicLong();
        private final Thread thread;
        private long bytes;
        private volatile boolean closed;

        private Lane(PayloadSink sink) {
            this.sink = sink;
            this.thread = Thread.ofVirtual().name("payloads-" + sink.name()).start(this::deliverUntilClosed);
        }

        private void add(Payload payload) {
            long size = payload.bytes();
            lock.lock();
            try {
                while (!queue.isEmpty() && (queue.size() >= MOST_WAITING || bytes + size > MOST_BYTES)) {
                    bytes -= queue.remove().bytes();
                    dropped.incrementAndGet();
                }
                queue.add(payload);
                bytes += size;
                filled.signal();
            } finally {
                lock.unlock();
            }
        }

        private List<Payload> next() throws InterruptedException {
            List<Payload> batch = new ArrayList<>();
            lock.lock();
            try {
                if (queue.isEmpty() && !closed) {
                    boolean unused = filled.await(TICK_MILLIS, TimeUnit.MILLISECONDS);
                }
                while (!queue.isEmpty() && batch.size() < BATCH) {
                    Payload payload = queue.remove();
                    bytes -= payload.bytes();
                    batch.add(payload);
                }
            } finally {
                lock.unlock();
            }
            return batch;
        }

        private void deliverUntilClosed() {
            boolean failing = false;
            while (true) {
                List<Payload> batch = List.of();
                try {
                    batch = next();
                    if (closed && batch.isEmpty()) {
                        return;
                    }
                    int taken = sink.deliver(batch);
                    delivered.addAndGet(taken);
                    dropped.addAndGet(batch.size() - taken);
                    failing = failing && taken < batch.size();
                } catch (InterruptedException e) {
                    return;
                } catch (RuntimeException | Error e) {
                    // This is the only thread that delivers to it.
                    dropped.addAndGet(batch.size());
                    if (!failing) {
                        LOG.warn("Payloads do not reach {}; they are dropped and counted", sink.name(), e);
                    }
                    failing = true;
                }
            }
        }

        private void close() {
            closed = true;
            lock.lock();
            try {
                filled.signal();
            } finally {
                lock.unlock();
            }
            try {
                if (!thread.join(Duration.ofSeconds(10))) {
                    LOG.warn("Payloads that waited for {} are lost", sink.name());
                    thread.interrupt();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            sink.close();
        }
    }
}
