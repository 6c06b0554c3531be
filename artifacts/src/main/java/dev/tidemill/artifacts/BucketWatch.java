package dev.tidemill.artifacts;

import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a server does about a bucket that holds its blobs, beside using it. */
final class BucketWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BucketWatch.class);
    private static final Duration PAUSE = Duration.ofSeconds(10);

    private final BucketBlobStore store;
    private final ArtifactStorage.Bucket where;
    private final Consumer<String> note;
    private final Runnable bringBack;
    private final Clock clock;
    private final Loop loop;
    private final Optional<MoveIn> moving;
    private volatile boolean ready;

    /**
     * @param folder of blobs that were kept on this disk before there was a bucket
     * @param note takes where the bucket is that is the database's
     * @param bringBack brings back what a collection has left out of sight
     */
    BucketWatch(
            BucketBlobStore store,
            ArtifactStorage.Bucket where,
            Path folder,
            Consumer<String> note,
            Runnable bringBack,
            Clock clock) {
        this.store = store;
        this.where = where;
        this.note = note;
        this.bringBack = bringBack;
        this.clock = clock;
        this.loop = Loop.every("artifact-bucket", PAUSE, this::look);
        this.moving = Files.isDirectory(folder) ? Optional.of(new MoveIn(store, folder, clock)) : Optional.empty();
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
        telemetry.gauge(
                "tidemill.artifacts.moving.blobs",
                "Artifacts on this disk that are not in the bucket yet",
                () -> moving.map(MoveIn::left).orElse(0));
        telemetry.gauge(
                "tidemill.artifacts.moving.failed.files",
                "Files of artifacts on this disk, or folders of them, that could not be brought into the bucket, and are tried again",
                () -> moving.map(MoveIn::failed).orElse(0));
    }

    /**
     * Looks at the bucket before anybody needs it. One that does not answer keeps nobody from starting: it is tried until it does.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the bucket is not there, or not for this server to use
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
    }

    private void look() {
        store.check();
        if (!ready) {
            ArtifactStorage.bind(where);
            note.accept(where.uri());
            bringBack.run();
            ready = true;
        }
    }

    void start() {
        loop.start();
        moving.ifPresent(move -> move.loop().start());
    }

    List<Loop> loops() {
        return Stream.concat(Stream.of(loop), moving.map(MoveIn::loop).stream()).toList();
    }

    @Override
    public void close() {
        moving.ifPresent(MoveIn::close);
        loop.close();
    }
}
