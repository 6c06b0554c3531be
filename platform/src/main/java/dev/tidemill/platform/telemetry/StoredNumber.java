package dev.tidemill.platform.telemetry;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A number that is read by one thread at a time, however many ask, so that nobody waits for a store that is away. Thread-safe. */
final class StoredNumber implements Supplier<Number> {
    private static final long PATIENCE_MILLIS = 500;

    private final Supplier<Number> source;
    private @Nullable CompletableFuture<Number> reading;

    StoredNumber(Supplier<Number> source) {
        this.source = source;
    }

    @Override
    public Number get() {
        try {
            return reading().get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return Double.NaN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Double.NaN;
        }
    }

    /** The reading under way, or else a new one. */
    private synchronized CompletableFuture<Number> reading() {
        if (reading == null || reading.isDone()) {
            var begun = new CompletableFuture<Number>();
            Thread.ofVirtual().name("stored number").start(() -> {
                try {
                    begun.complete(source.get());
                } catch (RuntimeException | Error e) {
                    begun.completeExceptionally(e);
                }
            });
            reading = begun;
        }
        return reading;
    }
}
