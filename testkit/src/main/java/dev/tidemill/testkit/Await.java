package dev.tidemill.testkit;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for conditions, never for time alone. */
public final class Await {
    private static final Duration DEADLINE = Duration.ofSeconds(120);

    private Await() {}

    /** Waits until the condition holds; fails the test after two minutes. */
    public static void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("did not happen within " + DEADLINE + ": " + what);
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            }
        }
    }
}
