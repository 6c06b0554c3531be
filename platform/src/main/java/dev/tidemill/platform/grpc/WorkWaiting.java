package dev.tidemill.platform.grpc;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs what gRPC hands over, each piece on a virtual thread, and tells connections to wait while too much of it has not ended. A call
 * that its caller resets is no open call any more, but what it has begun is still to be done: without a bound on that, calls that are
 * begun and reset fill memory faster than they are ended (CVE-2023-44487). Thread-safe.
 */
final class WorkWaiting implements Executor {
    private final int most;
    private final Executor threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger unfinished = new AtomicInteger();
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

    /** @param most pieces of work that have not ended, with which nothing more is read */
    WorkWaiting(int most) {
        this.most = most;
    }

    @Override
    public void execute(Runnable work) {
        unfinished.incrementAndGet();
        try {
            threads.execute(() -> {
                try {
                    work.run();
                } finally {
                    ended();
                }
            });
        } catch (RuntimeException | Error e) {
            ended();
            throw e;
        }
    }

    private void ended() {
        unfinished.decrementAndGet();
        next();
    }

    /** Pieces of work that have not ended. */
    int unfinished() {
        return unfinished.get();
    }

    boolean isTooMuch() {
        return unfinished.get() >= most;
    }

    /**
     * Runs the action once there is room, first come first served; at once if there is. It must not block, and who asked for it calls
     * {@link #next} once it has gone on, so that of all who wait one goes on after the other.
     */
    void whenThereIsRoom(Runnable action) {
        waiting.add(action);
        next();
    }

    /** Lets the next of those who wait go on, if there is room. */
    void next() {
        if (!isTooMuch()) {
            Runnable action = waiting.poll();
            if (action != null) {
                action.run();
            }
        }
    }
}
