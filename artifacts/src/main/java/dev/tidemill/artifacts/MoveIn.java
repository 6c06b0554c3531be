package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.CachedBlobs.Copy;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.threads.Loop;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings blobs that were kept on this disk into a bucket while the server answers, a few at a time. Each goes from the disk once the bucket
 * has it, so that after an end in the midst the next start goes on; until then it is read from the disk. Thread-safe.
 */
final class MoveIn implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MoveIn.class);
    private static final int AT_ONCE = 4;
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration TOLD = Duration.ofSeconds(10);
    private static final Duration IDLE = Duration.ofHours(1);

    private final BucketBlobStore store;
    private final Path folder;
    private final FolderBlobStore here;
    private final Clock clock;
    private final Loop loop = new Loop("artifact-move", PAUSE, this::round);
    private final AtomicInteger left = new AtomicInteger();
    private volatile boolean done;
    private volatile Instant told = Instant.EPOCH;

    /** @param folder of the blobs; of a store that nobody uses any more */
    MoveIn(BucketBlobStore store, Path folder, Clock clock) {
        this.store = store;
        this.folder = folder;
        this.here = new FolderBlobStore(folder);
        this.clock = clock;
        int found = here.copies().size();
        left.set(found);
        if (found > 0) {
            LOG.info("{} blobs of {} go into the bucket while the server answers", found, folder);
            told = clock.instant();
            store.readAlso(Optional.of(here));
        } else {
            done = true;
        }
    }

    /** How many blobs are not in the bucket yet. */
    int left() {
        return left.get();
    }

    Loop loop() {
        return loop;
    }

    private void round() throws InterruptedException {
        if (!done) {
            move();
            done = true;
        }
        Thread.sleep(IDLE);
    }

    /** @throws RuntimeException if one could not be moved that is whole; what was moved has been */
    private void move() throws InterruptedException {
        List<Copy> blobs = here.copies();
        left.set(blobs.size());
        Queue<Copy> waiting = new ConcurrentLinkedQueue<>(blobs);
        var damaged = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> workers = IntStream.range(0, AT_ONCE)
                    .<Future<?>>mapToObj(i -> threads.submit(() -> work(waiting, damaged)))
                    .toList();
            for (Future<?> worker : workers) {
                worker.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        }
        // A damaged one that somebody stores anew is read from the bucket.
        store.readAlso(Optional.empty());
        LOG.info("{} blobs of {} are in the bucket", blobs.size() - damaged.get(), folder);
    }

    private void work(Queue<Copy> waiting, AtomicInteger damaged) {
        try {
            for (Copy next = waiting.poll(); next != null; next = waiting.poll()) {
                if (!moved(next.blob().digest())) {
                    damaged.incrementAndGet();
                }
                tell(left.decrementAndGet());
            }
        } catch (RuntimeException | Error e) {
            // The others end, and all begin anew after a pause.
            waiting.clear();
            throw e;
        }
    }

    private synchronized void tell(int stillLeft) {
        if (clock.instant().isAfter(told.plus(TOLD))) {
            told = clock.instant();
            LOG.info("{} blobs of {} are not in the bucket yet", stillLeft, folder);
        }
    }

    /** False for one that is damaged, and stays. */
    private boolean moved(Digest digest) {
        try (InputStream content = here.open(digest)) {
            Digest found = store.put(content, Long.MAX_VALUE).digest();
            if (!found.equals(digest)) {
                LOG.warn("Blob {} in {} is damaged, and stays there: its SHA-256 is {}", digest, folder, found);
                return false;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        here.remove(digest);
        return true;
    }

    @Override
    public void close() {
        loop.close();
    }
}
