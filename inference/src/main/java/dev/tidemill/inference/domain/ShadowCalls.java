package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls of the side of a deployment that does not answer, made after the answer. Bounded for each deployment in threads and in
 * requests that wait, and for all together in bytes that wait; what does not fit is dropped. Thread-safe.
 */
final class ShadowCalls implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShadowCalls.class);
    private static final int THREADS = 4;
    private static final int WAITING = 2_000;
    private static final long MOST_BYTES = 64L << 20;

    /** How long all of them together may take at the end, and then those that are interrupted. */
    private static final Duration CLOSING = Duration.ofSeconds(2);

    private static final Duration INTERRUPTED = Duration.ofMillis(500);

    private final int threads;
    private final int waiting;
    private final long mostBytes;
    private final Map<String, ThreadPoolExecutor> lanes = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    private volatile boolean closed;

    ShadowCalls() {
        this(THREADS, WAITING, MOST_BYTES);
    }

    ShadowCalls(int threads, int waiting, long mostBytes) {
        this.threads = threads;
        this.waiting = waiting;
        this.mostBytes = mostBytes;
    }

    /** A call that waits for its turn. */
    private final class Waiting implements Runnable {
        private final String key;
        private final long size;
        private final Runnable call;
        private final Runnable dropped;

        private Waiting(String key, long size, Runnable call, Runnable dropped) {
            this.key = key;
            this.size = size;
            this.call = call;
            this.dropped = dropped;
        }

        @Override
        public void run() {
            end(call);
        }

        private void drop() {
            end(dropped);
        }

        private void end(Runnable how) {
            try {
                how.run();
            } catch (RuntimeException | Error e) {
                LOG.error("A shadow call of {} failed", key, e);
            } finally {
                bytes.addAndGet(-size);
            }
        }
    }

    /**
     * Makes a call soon, or tells that it will not be made; exactly one of both.
     *
     * @param key of the deployment
     * @param size bytes that the call keeps until it is made
     * @param dropped what is done instead where there is no room for it, or this is closed before its turn
     */
    void submit(String key, long size, Runnable call, Runnable dropped) {
        var waiting = new Waiting(key, size, call, dropped);
        if (bytes.addAndGet(size) > mostBytes || closed) {
            waiting.drop();
            return;
        }
        ThreadPoolExecutor lane = lanes.computeIfAbsent(key, this::lane);
        try {
            lane.execute(waiting);
        } catch (RejectedExecutionException e) {
            waiting.drop();
            return;
        } catch (Error e) {
            // No thread could be had: the call's answer is journalled without the other side.
            waiting.drop();
            throw e;
        }
        if (closed) {
            // It may have come after the lanes were emptied.
            end(lane);
        }
    }

    /** Threads of the system, as those that answer are: one that computes for long must not hold a carrier (ADR 13). */
    private ThreadPoolExecutor lane(String key) {
        var lane = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(waiting), task -> {
                    var thread = new Thread(task, "shadow-" + key);
                    thread.setDaemon(true);
                    return thread;
                });
        lane.allowCoreThreadTimeOut(true);
        return lane;
    }

    /** Forgets the lanes of deployments that are gone. */
    void retain(Set<String> keys) {
        lanes.entrySet().removeIf(lane -> {
            boolean gone = !keys.contains(lane.getKey());
            if (gone) {
                lane.getValue().shutdown();
            }
            return gone;
        });
    }

    /** Makes what waits, as far as there is time for it, and drops the rest. */
    @Override
    public void close() {
        closed = true;
        List<ThreadPoolExecutor> all = List.copyOf(lanes.values());
        all.forEach(ThreadPoolExecutor::shutdown);
        awaitAll(all, CLOSING);
        all.forEach(ShadowCalls::end);
        awaitAll(all, INTERRUPTED);
    }

    /** Interrupts what runs and drops what waits. */
    private static void end(ThreadPoolExecutor lane) {
        lane.shutdownNow().forEach(one -> ((Waiting) one).drop());
    }

    private static void awaitAll(List<ThreadPoolExecutor> lanes, Duration atMost) {
        long until = System.nanoTime() + atMost.toNanos();
        try {
            for (ThreadPoolExecutor lane : lanes) {
                lane.awaitTermination(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
