package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds how many requests call one model at a time, how many wait, and how long, so that one noisy model does not starve
 * another. Who waits longest goes first. Thread-safe.
 */
final class Turnstile implements Calls {
    private static final int INSIDE = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final LoadedModel model;
    private final WaitingRoom.Line line;
    private final ReentrantLock lock = new ReentrantLock();
    /** Each becomes true for who may go in. */
    private final ArrayDeque<CompletableFuture<Boolean>> queue = new ArrayDeque<>();

    private int inside;

    Turnstile(LoadedModel model, WaitingRoom.Line line) {
        this.model = model;
        this.line = line;
    }

    @Override
    public Outcome call(List<Tensor> inputs, CallContext context) {
        var turn = new CompletableFuture<Boolean>();
        if (!enters(turn)) {
            await(turn, context.cancellation());
        }
        try {
            return new Outcome(model.predict(inputs, context), true);
        } finally {
            leave();
        }
    }

    /** Requests that wait now. */
    int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    private boolean enters(CompletableFuture<Boolean> turn) {
        lock.lock();
        try {
            if (inside < INSIDE) {
                inside++;
                return true;
            }
            line.enter();
            queue.add(turn);
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Lets the next one in, or frees the place. */
    private void leave() {
        lock.lock();
        try {
            if (queue.isEmpty()) {
                inside--;
            } else {
                queue.remove().complete(true);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Leaves the queue, unless its turn has come. */
    private void giveUp(CompletableFuture<Boolean> turn) {
        lock.lock();
        try {
            if (queue.remove(turn)) {
                turn.complete(false);
            }
        } finally {
            lock.unlock();
        }
    }

    private void await(CompletableFuture<Boolean> turn, Cancellation cancellation) {
        try (var notice = cancellation.onCancel(() -> giveUp(turn))) {
            if (!turn.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw cancellation.exception();
            }
        } catch (TimeoutException e) {
            giveUp(turn);
            if (!turn.join()) {
                throw WaitingRoom.busy("The model had no time for the request within " + PATIENCE.toSeconds() + " s");
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp(turn);
            if (turn.join()) {
                leave();
            }
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } finally {
            line.leave();
        }
    }
}
