package dev.tidemill.inference.domain;

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

    private final int threads;
    private final int waiting;
    private final long mostBytes;
    private final Map<String, ThreadPoolExecutor> lanes = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();

    ShadowCalls() {
        this(THREADS, WAITING, MOST_BYTES);
    }

    ShadowCalls(int threads, int waiting, long mostBytes) {
        this.threads = threads;
        this.waiting = waiting;
        this.mostBytes = mostBytes;
    }

    /**
     * Begins a call soon; false if there is no room for it.
     *
     * @param key of the deployment
     * @param size bytes that the call keeps until it is made
     */
    boolean submit(String key, long size, Runnable call) {
        if (bytes.addAndGet(size) > mostBytes) {
            bytes.addAndGet(-size);
            return false;
        }
        try {
            lanes.computeIfAbsent(key, this::lane).execute(() -> {
                try {
                    call.run();
                } catch (RuntimeException | Error e) {
                    LOG.error("A shadow call of {} failed", key, e);
                } finally {
                    bytes.addAndGet(-size);
                }
            });
            return true;
        } catch (RejectedExecutionException e) {
            bytes.addAndGet(-size);
            return false;
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

    @Override
    public void close() {
        lanes.values().forEach(ThreadPoolExecutor::shutdown);
        try {
            for (ThreadPoolExecutor lane : lanes.values()) {
                if (!lane.awaitTermination(2, TimeUnit.SECONDS)) {
                    lane.shutdownNow();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
