package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.tracking.domain.Retention;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Once an hour: what was deleted long ago, what is older than it is kept, uploads that nobody completed, and blobs that
 * nothing refers to. One that fails does not keep the others from it.
 */
final class Housekeeping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final Duration PAUSE = Duration.ofHours(1);
    private static final Duration ABANDONED = Duration.ofDays(7);
    private static final Duration GRACE = Duration.ofDays(1);

    private final ArtifactsModule artifacts;
    private final Retention retention;
    private final List<Kept> kept;
    private final long deletedDays;
    private final Clock clock;
    private final Thread thread = Thread.ofVirtual().name("housekeeping").unstarted(this::runUntilClosed);
    private volatile boolean closed;

    /**
     * @param kept what is deleted once it is older than it is kept
     * @param deletedDays after how many days deleted runs are gone for good; 0 for never
     */
    Housekeeping(ArtifactsModule artifacts, Retention retention, List<Kept> kept, long deletedDays, Clock clock) {
        this.artifacts = artifacts;
        this.retention = retention;
        this.kept = kept;
        this.deletedDays = deletedDays;
        this.clock = clock;
    }

    Housekeeping start() {
        thread.start();
        return this;
    }

    private void runUntilClosed() {
        while (!closed) {
            try {
                Thread.sleep(PAUSE);
                keep();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.warn("Housekeeping failed; it is tried again in {}", PAUSE, e);
            }
        }
    }

    private void keep() {
        for (Kept entries : kept) {
            try {
                long gone = entries.collect(clock.instant());
                if (gone > 0) {
                    LOG.info("{} {} that are older than they are kept are gone", gone, entries.name());
                }
            } catch (RuntimeException e) {
                LOG.warn("Old {} could not be deleted; it is tried again in {}", entries.name(), PAUSE, e);
            }
        }
        var purged = retention.apply(deletedDays, clock.instant(), Event.SYSTEM);
        if (purged.runs() > 0) {
            LOG.info("{} runs that were deleted long ago are gone, as their retention policies say", purged.runs());
        }
        artifacts.uploads().abandon(clock.instant().minus(ABANDONED));
        var collected = artifacts.collector().collect(GRACE, false);
        if (collected.blobs() > 0) {
            LOG.info("{} blobs of {} bytes that nothing refers to are gone", collected.blobs(), collected.bytes());
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
