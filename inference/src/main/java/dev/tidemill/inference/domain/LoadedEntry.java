package dev.tidemill.inference.domain;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A model and how many use it. Once closed nobody gets in any more. Thread-safe. */
final class LoadedEntry {
    private static final int CLOSED = Integer.MIN_VALUE;

    private final AtomicInteger users = new AtomicInteger();
    private final AtomicBoolean claimed = new AtomicBoolean();
    private final CompletableFuture<LoadedModel> loaded = new CompletableFuture<>();
    private final WaitingRoom.Line line;
    private final CompletableFuture<Calls> calls;
    private volatile boolean retired;
    private volatile long usedAt = System.nanoTime();

    LoadedEntry(WaitingRoom.Line line) {
        this.line = line;
        this.calls = loaded.thenApply(model -> Calls.of(model, line));
    }

    boolean retain() {
        while (true) {
            int now = users.get();
            if (now == CLOSED) {
                return false;
            }
            if (users.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    void release() {
        usedAt = System.nanoTime();
        users.decrementAndGet();
        if (retired) {
            closeIfIdle();
        }
    }

    /** Lets nobody call the model any more and has it closed as soon as nobody holds it. */
    void retire() {
        retired = true;
        closeIfIdle();
    }

    boolean isRetired() {
        return retired;
    }

    /** True once, for the one who is to load it. */
    boolean claim() {
        return claimed.compareAndSet(false, true);
    }

    CompletableFuture<LoadedModel> loaded() {
        return loaded;
    }

    /** Those who wait for it, to be loaded or to have time. */
    WaitingRoom.Line line() {
        return line;
    }

    /** The model; only for those who are in, after it was loaded. */
    LoadedModel model() {
        return loaded.join();
    }

    /** The way to call the model; only for those who are in, after it was loaded. */
    Calls calls() {
        return calls.join();
    }

    boolean isLoaded() {
        return loaded.isDone() && !loaded.isCompletedExceptionally();
    }

    boolean isIdle() {
        return users.get() == 0 && isLoaded();
    }

    long idleNanos() {
        return System.nanoTime() - usedAt;
    }

    /** Closes the model if nobody uses it. */
    boolean closeIfIdle() {
        if (!isIdle() || !users.compareAndSet(0, CLOSED)) {
            return false;
        }
        model().close();
        return true;
    }
}
