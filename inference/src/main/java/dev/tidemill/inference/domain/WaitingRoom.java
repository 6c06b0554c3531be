package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many requests may wait for models, each model's and all models' together: who waits holds a thread of the server, and
 * some must stay free for everybody else. Thread-safe.
 */
final class WaitingRoom {
    private static final int MOST = 500;
    private static final int MOST_FOR_ONE = 250;

    private final int most;
    private final int mostForOne;
    private final AtomicInteger all = new AtomicInteger();

    WaitingRoom() {
        this(MOST, MOST_FOR_ONE);
    }

    WaitingRoom(int most, int mostForOne) {
        this.most = most;
        this.mostForOne = mostForOne;
    }

    /** The place of those who wait for one model. */
    Line line() {
        return new Line();
    }

    /** Those who wait for one model. Thread-safe. */
    final class Line {
        private final AtomicInteger own = new AtomicInteger();

        private Line() {}

        /**
         * Begins to wait; ends with {@link #leave}.
         *
         * @throws TidemillException {@code UNAVAILABLE} if too many wait already; there is nothing to leave then
         */
        void enter() {
            if (own.incrementAndGet() > mostForOne) {
                own.decrementAndGet();
                throw busy(mostForOne + " requests wait for this model already");
            }
            if (all.incrementAndGet() > most) {
                leave();
                throw busy(most + " requests wait for models already");
            }
        }

        void leave() {
            all.decrementAndGet();
            own.decrementAndGet();
        }
    }

    /** What somebody is told who came to a model without time for them. */
    static TidemillException busy(String why) {
        return new TidemillException(ErrorCode.UNAVAILABLE, why).remedy("Try again in a second");
    }
}
