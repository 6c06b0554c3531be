package dev.tidemill.cli;

import java.time.Duration;
import java.util.function.Supplier;

/** Repeats calls that found no server, until one answers again or the patience is over. Calls must be idempotent. */
final class Retry {
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final Duration patience;

    Retry(Duration patience) {
        this.patience = patience;
    }

    static Retry none() {
        return new Retry(Duration.ZERO);
    }

    <T> T call(Supplier<T> call) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                return call.get();
            } catch (Api.Unreachable e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                sleep(PAUSE);
            }
        }
    }

    static void sleep(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new CliException(Exit.INTERRUPTED, "interrupted");
        }
    }
}
