package dev.tidemill.inference.journal;

import dev.tidemill.platform.retention.DeletionHold;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Segments that nobody needs any more: deleted, or kept aside, as soon as nobody holds them. Thread-safe. */
final class SettledFiles {
    private static final Logger LOG = LoggerFactory.getLogger(SettledFiles.class);

    /** @param damaged whether not all of it could be read */
    record Settled(Path file, boolean damaged) {}

    private final DeletionHold deletions;
    private final KeptAside aside;
    private final Queue<Settled> waiting = new ConcurrentLinkedQueue<>();

    SettledFiles(DeletionHold deletions, KeptAside aside) {
        this.deletions = deletions;
        this.aside = aside;
    }

    void add(Settled one) {
        waiting.add(one);
        end();
    }

    /** Ends what was held before. */
    void end() {
        for (Settled one = waiting.poll(); one != null; one = waiting.poll()) {
            Settled next = one;
            if (!deletions.unlessHeld(() -> end(next))) {
                waiting.add(next);
                return;
            }
        }
    }

    private void end(Settled one) {
        if (one.damaged()) {
            aside.segment(one.file());
            return;
        }
        try {
            Files.deleteIfExists(one.file());
        } catch (IOException e) {
            LOG.warn("{} could not be deleted: {}", one.file(), e.toString());
        }
    }
}
