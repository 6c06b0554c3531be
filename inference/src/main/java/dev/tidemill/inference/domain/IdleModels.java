package dev.tidemill.inference.domain;

import java.time.Duration;

/** Closes models that nobody has called for a while; the next call loads them again. */
public final class IdleModels implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofSeconds(30);

    private final ModelCache cache;
    private final Duration longerThan;
    private final Thread thread;

    /** @param longerThan zero closes nothing */
    public IdleModels(ModelCache cache, Duration longerThan) {
        this.cache = cache;
        this.longerThan = longerThan;
        this.thread = Thread.ofVirtual().name("idle-models").unstarted(this::closeUntilInterrupted);
        if (longerThan.isPositive()) {
            thread.start();
        }
    }

    private void closeUntilInterrupted() {
        try {
            while (true) {
                Thread.sleep(PAUSE);
                cache.closeIdle(longerThan);
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
