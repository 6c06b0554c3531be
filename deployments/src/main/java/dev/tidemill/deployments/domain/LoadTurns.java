package dev.tidemill.deployments.domain;

import dev.tidemill.inference.domain.LoadTurn;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Lets a few loads begin together, in the order in which they came. One gives its turn back when it is through, while it waits for
 * what somebody else makes ({@link LoadTurn}), or when it has taken too long: then the next one begins beside it. Thread-safe.
 */
final class LoadTurns {
    private final Semaphore turns;
    private final Duration longest;
    private final ScheduledExecutorService clock;

    /**
     * @param together loads that have a turn at a time
     * @param longest after which a load goes on without its turn
     * @param clock ends turns that are too long
     */
    LoadTurns(int together, Duration longest, ScheduledExecutorService clock) {
        this.turns = new Semaphore(together, true);
        this.longest = longest;
        this.clock = clock;
    }

    /**
     * Loads when it is its turn.
     *
     * @throws RejectedExecutionException if the clock has been stopped; nothing was loaded then
     */
    void run(Runnable load) throws InterruptedException {
        var turn = new Turn();
        try {
            turn.take();
            turn.run(load);
        } finally {
            turn.end();
        }
    }

    private enum State {
        /** Waits for its turn, or has given it back for a while. */
        WITHOUT,
        HELD,
        /** For good. */
        OVER
    }

    private final class Turn extends LoadTurn {
        private final AtomicReference<State> state = new AtomicReference<>(State.WITHOUT);
        private volatile @Nullable Future<?> late;

        void take() throws InterruptedException {
            turns.acquire();
            if (state.compareAndSet(State.WITHOUT, State.HELD)) {
                late = clock.schedule(() -> leaveFor(State.OVER), longest.toMillis(), TimeUnit.MILLISECONDS);
            } else {
                // The load was given up by whoever waited for it.
                turns.release();
            }
        }

        private void leaveFor(State next) {
            if (state.compareAndSet(State.HELD, next)) {
                release();
            }
        }

        private void release() {
            turns.release();
            Future<?> end = late;
            if (end != null) {
                end.cancel(false);
            }
        }

        /** Whatever goes on of the load takes no turn any more. */
        void end() {
            if (state.getAndSet(State.OVER) == State.HELD) {
                release();
            }
        }

        @Override
        protected void giveBack() {
            leaveFor(State.WITHOUT);
        }

        @Override
        protected void takeAgain() {
            if (state.get() != State.WITHOUT) {
                return;
            }
            try {
                take();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RejectedExecutionException e) {
                // Nobody begins any more who could be kept waiting.
                end();
            }
        }
    }
}
