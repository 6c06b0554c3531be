package dev.tidemill.app;

import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.threads.Loop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does chores again and again after a pause, one after the other: each keeps something from growing for ever. One that fails keeps no other from its turn. */
final class Housekeeping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final List<Chore> chores;
    private final Duration pause;
    private final Loop loop;

    Housekeeping(List<Chore> chores, Duration pause) {
        this.chores = List.copyOf(chores);
        this.pause = pause;
        this.loop = Loop.every("housekeeping", pause, this::keep);
    }

    Housekeeping start() {
        loop.start();
        return this;
    }

    /**
     * Does every chore now.
     *
     * @throws IllegalStateException once all are done, if any of them failed
     */
    void keep() {
        var failed = new ArrayList<String>();
        Throwable first = null;
        for (Chore chore : chores) {
            try {
                chore.work().get().ifPresent(told -> LOG.info("{}: {}", chore.name(), told));
            } catch (RuntimeException | Error e) {
                LOG.warn("{} failed; it is tried again in {}", chore.name(), pause, e);
                failed.add(chore.name());
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw new IllegalStateException(String.join(", ", failed) + ": " + first, first);
        }
    }

    Loop loop() {
        return loop;
    }

    @Override
    public void close() {
        loop.close();
    }
}
