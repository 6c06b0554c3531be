package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Bounds how many requests call one model at a time, how many wait, and how long, so that one noisy model does not starve
 * another. Thread-safe.
 */
final class Turnstile implements Calls {
    private static final int INSIDE = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Semaphore inside = new Semaphore(INSIDE);
    private final LoadedModel model;
    private final WaitingRoom.Line line;

    Turnstile(LoadedModel model, WaitingRoom.Line line) {
        this.model = model;
        this.line = line;
    }

    @Override
    public Outcome call(List<Tensor> inputs) {
        if (!inside.tryAcquire()) {
            await();
        }
        try {
            return new Outcome(model.predict(inputs), true);
        } finally {
            inside.release();
        }
    }

    private void await() {
        line.enter();
        try {
            if (!inside.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw WaitingRoom.busy("The model had no time for the request within " + PATIENCE.toSeconds() + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } finally {
            line.leave();
        }
    }
}
