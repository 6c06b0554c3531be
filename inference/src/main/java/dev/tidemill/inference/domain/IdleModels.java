package dev.tidemill.inference.domain;

import dev.tidemill.platform.threads.RepeatingThread;
import java.time.Duration;

/** Closes models that nobody has called for a while; the next call loads them again. */
public final class IdleModels implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofSeconds(30);

    private final RepeatingThread thread;

    /** @param longerThan zero closes nothing */
    public IdleModels(ModelCache cache, Duration longerThan) {
        this.thread = RepeatingThread.every("idle-models", PAUSE, () -> cache.closeIdle(longerThan));
        if (longerThan.isPositive()) {
            thread.start();
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
