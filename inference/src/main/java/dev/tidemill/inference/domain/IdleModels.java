package dev.tidemill.inference.domain;

import dev.tidemill.platform.threads.Loop;
import java.time.Duration;

/** Closes models that nobody has called for a while; the next call loads them again. */
public final class IdleModels implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofSeconds(30);

    private final Loop loop;

    /** @param longerThan zero closes nothing */
    public IdleModels(ModelCache cache, Duration longerThan) {
        this.loop = Loop.every("idle-models", PAUSE, () -> cache.closeIdle(longerThan));
        if (longerThan.isPositive()) {
            loop.start();
        }
    }

    public Loop loop() {
        return loop;
    }

    @Override
    public void close() {
        loop.close();
    }
}
