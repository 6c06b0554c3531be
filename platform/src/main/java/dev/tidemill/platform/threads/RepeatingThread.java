package dev.tidemill.platform.threads;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that does a round of work again and again until it is closed, and that nobody replaces: whatever a round fails of, an
 * {@link Error} too, is logged, and after a pause the next round begins. Thread-safe.
 */
public final class RepeatingThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RepeatingThread.class);

    /** Work that waits by itself where there is nothing to do. */
    @FunctionalInterface
    public interface Round {
        /** @throws InterruptedException once the thread is closed */
        void run() throws InterruptedException;
    }

    private final String name;
    private final Duration pause;
    private final Round round;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * A thread that has not begun.
     *
     * @param pause after a round that failed
     */
    public RepeatingThread(String name, Duration pause, Round round) {
        this.name = name;
        this.pause = pause;
        this.round = round;
        this.thread = Thread.ofVirtual().name(name).unstarted(this::repeat);
    }

    /** A thread that has not begun and does something after each pause, the first one included. */
    public static RepeatingThread every(String name, Duration pause, Runnable work) {
        return new RepeatingThread(name, pause, () -> {
            Thread.sleep(pause);
            work.run();
        });
    }

    /** Begins; once. */
    public RepeatingThread start() {
        thread.start();
        return this;
    }

    private void repeat() {
        while (!closed) {
            try {
                attempt();
            } catch (InterruptedException e) {
                // Closed, or somebody meant work that is over.
                LOG.debug("{} was interrupted", name);
            }
        }
    }

    private void attempt() throws InterruptedException {
        try {
            round.run();
        } catch (RuntimeException | Error e) {
            if (!closed) {
                report(e);
                Thread.sleep(pause);
            }
        }
    }

    private void report(Throwable failure) {
        try {
            LOG.error("{} failed; it goes on in {}", name, pause, failure);
        } catch (RuntimeException | Error e) {
            // There may be no memory to tell it; going on matters more.
            Thread.yield();
        }
    }

    /** Ends it: the round under way is interrupted. Does not wait. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    /** Ends it after the round under way, which is not interrupted; false if that has not ended within this time. */
    public boolean finish(Duration atMost) {
        closed = true;
        return join(atMost);
    }

    /** Waits until the last round has ended; false if it has not within this time. */
    public boolean join(Duration atMost) {
        try {
            return thread.getState() == Thread.State.NEW || thread.join(atMost);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
