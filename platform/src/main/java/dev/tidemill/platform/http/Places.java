package dev.tidemill.platform.http;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * A bounded number of places for work that holds a thread. Work that finds none waits without a thread, in the order it came;
 * a connection has one request at a time, so that the bound on connections bounds what waits. Thread-safe.
 */
final class Places {
    private final Executor threads;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int free;

    Places(int places, Executor threads) {
        this.free = places;
        this.threads = threads;
    }

    /** Runs the work on this thread, or later on another if no place is free. */
    void run(Runnable work) {
        synchronized (waiting) {
            if (free == 0) {
                waiting.add(work);
                return;
            }
            free--;
        }
        occupy(work);
    }

    private void occupy(Runnable work) {
        try {
            work.run();
        } finally {
            Runnable next;
            synchronized (waiting) {
                next = waiting.poll();
                if (next == null) {
                    free++;
                }
            }
            if (next != null) {
                Runnable follower = next;
                threads.execute(() -> occupy(follower));
            }
        }
    }

    int waiting() {
        synchronized (waiting) {
            return waiting.size();
        }
    }
}
