package dev.tidemill.platform.threads;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work that one thread does round after round until it is closed, and that nobody replaces: whatever a round fails of, an
 * {@link Error} too, is logged, and after a pause the next round begins. The pause doubles with each failure in a row. Thread-safe.
 */
public final class Loop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    /** Longest pause after failures, unless the first one is longer: what was away is seen soon after it is back. */
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    /** Work that waits by itself where there is nothing to do. */
    @FunctionalInterface
    public interface Round {
        /** @throws InterruptedException once the loop is closed */
        void run() throws InterruptedException;
    }

    /**
     * How a loop is doing.
     *
     * @param name of the loop, one in its process
     * @param rounds that ended well
     * @param failures rounds that failed
     * @param failing when the first of the newest rounds failed, where all since have failed too
     * @param reason what the newest of those failed of; empty where the newest round ended well
     */
    public record Health(String name, long rounds, long failures, Optional<Instant> failing, String reason) {}

    private final String name;
    private final Duration pause;
    private final Round round;
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean pausing;
    private volatile Health health;
    /** Failures since the last round that ended well; of the thread alone. */
    private int inARow;

    /**
     * A loop that has not begun.
     *
     * @param name what its thread and its metrics are called
     * @param pause after a round that failed after one that did not
     */
    public Loop(String name, Duration pause, Round round) {
        this.name = name;
        this.pause = pause;
        this.round = round;
        this.health = new Health(name, 0, 0, Optional.empty(), "");
        this.thread = Thread.ofVirtual().name(name).unstarted(this::repeat);
    }

    /**
     * A loop that has not begun and does something after each pause, the first one included. A pause that is longer than any after a
     * failure is not made longer by one.
     */
    public static Loop every(String name, Duration pause, Runnable work) {
        return new Loop(name, pause.compareTo(LONGEST_PAUSE) < 0 ? pause : Duration.ZERO, () -> {
            Thread.sleep(pause);
            work.run();
        });
    }

    /** Begins; once. */
    public Loop start() {
        thread.start();
        return this;
    }

    /** How it is doing now. */
    public Health health() {
        return health;
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
            succeeded();
        } catch (RuntimeException | Error e) {
            // Before it is looked whether it is closed, so that who closes it sees the one or is seen by the other.
            pausing = true;
            try {
                if (!closed) {
                    Thread.sleep(failed(e));
                }
            } finally {
                pausing = false;
            }
        }
    }

    private void succeeded() {
        if (inARow > 0) {
            LOG.info("{} goes on after {} failures", name, inARow);
        }
        inARow = 0;
        health = new Health(name, health.rounds() + 1, health.failures(), Optional.empty(), "");
    }

    /** Writes a failure down, in full where it is not as the one before; returns how long to wait. */
    private Duration failed(Throwable failure) {
        Duration wait = pause(inARow);
        inARow++;
        try {
            String reason = failure.toString();
            if (inARow > 1 && reason.equals(health.reason())) {
                LOG.warn("{} failed again, {} times now; it goes on in {}: {}", name, inARow, wait, reason);
            } else {
                LOG.error("{} failed; it goes on in {}", name, wait, failure);
            }
            Optional<Instant> since = health.failing().or(() -> Optional.of(Instant.now()));
            health = new Health(name, health.rounds(), health.failures() + 1, since, reason);
        } catch (RuntimeException | Error e) {
            // There may be no memory to tell it; going on matters more.
            Thread.yield();
        }
        return wait;
    }

    /** After so many failures before this one. */
    Duration pause(int failures) {
        Duration longest = pause.compareTo(LONGEST_PAUSE) < 0 ? LONGEST_PAUSE : pause;
        Duration doubled = pause.multipliedBy(1L << Math.min(failures, 20));
        return doubled.compareTo(longest) < 0 ? doubled : longest;
    }

    /** Ends it: the round under way is interrupted. Does not wait. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    /**
     * Ends it after the round under way, which is not interrupted; at once where it waits after a failure. False if it has not ended
     * within this time.
     */
    public boolean finish(Duration atMost) {
        closed = true;
        if (pausing) {
            thread.interrupt();
        }
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
