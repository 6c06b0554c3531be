package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.CachedBlobs.Copy;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a server does about a bucket that holds its blobs, beside using it. */
final class BucketWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BucketWatch.class);
    private static final Duration PAUSE = Duration.ofSeconds(10);

    private final BucketBlobStore store;
    private final ArtifactStorage.Bucket where;
    private final Path folder;
    private final Clock clock;
    private final Loop loop;
    private volatile boolean bound;

    /** @param folder of blobs that were kept on this disk before there was a bucket */
    BucketWatch(BucketBlobStore store, ArtifactStorage.Bucket where, Path folder, Clock clock) {
        this.store = store;
        this.where = where;
        this.folder = folder;
        this.clock = clock;
        this.loop = Loop.every("artifact-bucket", PAUSE, this::look);
    }

    void publish(Telemetry telemetry) {
        telemetry.gauge(
                "tidemill.artifacts.bucket.away.seconds",
                "For how long the bucket with the artifacts has not answered; 0 if it does",
                () -> store.awaySince()
                        .map(since -> Duration.between(since, clock.instant()).toSeconds())
                        .orElse(0L));
        telemetry.gauge(
                "tidemill.artifacts.copies.bytes",
                "Bytes of copies on this disk of artifacts that are in the bucket",
                store::cachedBytes);
    }

    /**
     * Looks at the bucket before anybody needs it, and brings what was kept on this disk before into it. One that does not answer keeps
     * nobody from starting: it is tried until it does.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the bucket is not there, or not for this server to use; {@code UNAVAILABLE}
     *     if it does not answer and blobs have to be brought into it
     */
    void begin() {
        try {
            look();
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.UNAVAILABLE || store.isRefused(e)) {
                throw new TidemillException(ErrorCode.FAILED_PRECONDITION, e.message())
                        .at("artifacts.store")
                        .remedy(e.remedy().orElse("Make the bucket, and let this server read and write it"))
                        .causedBy(e);
            }
            LOG.warn("Starting without the bucket of the artifacts; what needs it is refused until it answers");
        }
        if (Files.isDirectory(folder)) {
            moveIn();
        }
    }

    private void look() {
        store.check();
        if (!bound) {
            ArtifactStorage.bind(where);
            bound = true;
        }
    }

    /** One that is killed goes on at the next start: each blob goes from here once the bucket has it. */
    private void moveIn() {
        var here = new FolderBlobStore(folder);
        List<Copy> blobs = here.copies();
        if (blobs.isEmpty()) {
            return;
        }
        LOG.info("{} blobs of {} go into the bucket before the server starts", blobs.size(), folder);
        Instant told = clock.instant();
        int moved = 0;
        for (Copy copy : blobs) {
            moved += moveIn(here, copy.blob().digest());
            if (clock.instant().isAfter(told.plus(PAUSE))) {
                told = clock.instant();
                LOG.info("{} of {} are in the bucket", moved, blobs.size());
            }
        }
        LOG.info("{} blobs are in the bucket", moved);
    }

    private int moveIn(FolderBlobStore here, Digest digest) {
        try (InputStream content = here.open(digest)) {
            Digest found = store.put(content, Long.MAX_VALUE).digest();
            if (!found.equals(digest)) {
                LOG.warn("Blob {} in {} is damaged, and stays there: its SHA-256 is {}", digest, folder, found);
                return 0;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        here.remove(digest);
        return 1;
    }

    void start() {
        loop.start();
    }

    Loop loop() {
        return loop;
    }

    @Override
    public void close() {
        loop.close();
    }
}
