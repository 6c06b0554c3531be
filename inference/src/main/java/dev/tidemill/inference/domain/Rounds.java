package dev.tidemill.inference.domain;

import java.time.Duration;

/**
 * When what the sink did not take is tried again. The pause between two rounds doubles while the sink fails and takes nothing new,
 * and is short again as soon as it does. Used by one thread.
 */
final class Rounds {
    private static final int MOST_DOUBLINGS = 4;

    private final long pause;
    private long failedAt;
    private boolean failed;
    private boolean unexpectedly;
    private long newsThen;
    private int doublings;

    Rounds(Duration pause) {
        this.pause = pause.toNanos();
    }

    /** Whether the next round begins now. */
    boolean begin(long news) {
        boolean vain = news == newsThen;
        if (failed && System.nanoTime() - failedAt < pause << (vain ? doublings : 0)) {
            return false;
        }
        doublings = vain && unexpectedly ? Math.min(doublings + 1, MOST_DOUBLINGS) : 0;
        newsThen = news;
        failed = false;
        unexpectedly = false;
        return true;
    }

    /** Notes that something in this round was not taken. */
    void fail(Throwable failure) {
        failed = true;
        failedAt = System.nanoTime();
        unexpectedly |= Delivery.isUnexpected(failure);
    }
}
