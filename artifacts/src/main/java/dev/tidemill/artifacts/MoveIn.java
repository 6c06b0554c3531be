package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.threads.Loop;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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
 * has it, so that after an end in the midst the next start goes on; until then it is read from the disk. What cannot be brought, since it
 * cannot be read, is damaged, or is refused by the bucket, keeps no other, and is tried again later. Thread-safe.
 */
final class MoveIn implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MoveIn.class);
    private static final int AT_ONCE = 4;
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration TOLD = Duration.ofSeconds(10);
    private static final Duration AGAIN = Duration.ofMinutes(10);
    private static final Duration END = Duration.ofSeconds(5);

    private final BucketBlobStore store;
    private final Path folder;
    private final FolderBlobStore here;
    private final Clock clock;
    private final Duration again;
    private final Loop loop = new Loop("artifact-move", PAUSE, this::round);
    private final AtomicInteger left = new AtomicInteger();
    /** Why what is at a path below the folder could not be brought. */
    private final Map<String, String> failed = new ConcurrentHashMap<>();
    /** Nobody is to be given these from the disk. */
    private final Set<Digest> unusable = ConcurrentHashMap.newKeySet();

    private volatile Instant told = Instant.EPOCH;

    /** @param folder of the blobs; of a store that nobody uses any more */
    MoveIn(BucketBlobStore store, Path folder, Clock clock) {
        this(store, folder, clock, AGAIN);
    }

    /** @param again after how long it is tried again what could not be brought */
    MoveIn(BucketBlobStore store, Path folder, Clock clock, Duration again) {
        this.store = store;
        this.folder = folder;
        this.here = new FolderBlobStore(folder);
        this.clock = clock;
        this.again = again;
        int found = list().size();
        if (found > 0) {
            LOG.info("{} blobs of {} go into the bucket while the server answers", found, folder);
            told = clock.instant();
        }
        if (!isDone()) {
            store.readAlso(here, this::isUsable);
        }
    }

    /** How many blobs are not in the bucket yet. */
    int left() {
        return left.get();
    }

    /** How many files, or folders of them, could not be brought, and are tried again. */
    int failed() {
        return failed.size();
    }

    Loop loop() {
        return loop;
    }

    private void round() throws InterruptedException {
        List<Digest> blobs = list();
        if (!blobs.isEmpty()) {
            move(blobs);
        }
        if (isDone()) {
            store.readNoOther();
        }
        Thread.sleep(again);
    }

    private boolean isDone() {
        return left.get() == 0 && failed.isEmpty();
    }

    private boolean isUsable(Digest digest) {
        return !unusable.contains(digest) && !failed.containsKey(FolderBlobStore.folder(digest));
    }

    /** What is on the disk; folders that cannot be read are noted. */
    private List<Digest> list() {
        var blobs = new ArrayList<Digest>();
        var paths = new HashSet<String>();
        for (int first = 0; first < FolderBlobStore.FOLDERS; first++) {
            String path = HexFormat.of().toHexDigits((byte) first);
            try {
                blobs.addAll(here.beginningWith(first));
            } catch (UncheckedIOException | DirectoryIteratorException e) {
                paths.add(path);
                fail(path, e.toString());
            }
        }
        blobs.forEach(digest -> paths.add(FolderBlobStore.relativePath(digest)));
        failed.keySet().retainAll(paths);
        unusable.retainAll(blobs);
        left.set(blobs.size());
        return blobs;
    }

    /** @throws RuntimeException if no more could be moved, since the bucket is away or the disk is full; what was moved has been */
    private void move(List<Digest> blobs) throws InterruptedException {
        Queue<Digest> waiting = new ConcurrentLinkedQueue<>(blobs);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> workers = IntStream.range(0, AT_ONCE)
                    .<Future<?>>mapToObj(i -> threads.submit(() -> work(waiting)))
                    .toList();
            try {
                for (Future<?> worker : workers) {
                    worker.get();
                }
            } catch (InterruptedException e) {
                waiting.clear();
                threads.shutdownNow();
                throw e;
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        }
        int stay = left.get();
        if (stay < blobs.size()) {
            LOG.info("{} blobs of {} have come into the bucket, {} have not", blobs.size() - stay, folder, stay);
        }
    }

    private void work(Queue<Digest> waiting) {
        try {
            for (Digest next = waiting.poll(); next != null; next = waiting.poll()) {
                if (isMoved(next)) {
                    tell(left.decrementAndGet());
                }
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

    /** False for one that stays for now; what has gone from the disk since it was found is moved by somebody else. */
    private boolean isMoved(Digest digest) {
        String path = FolderBlobStore.relativePath(digest);
        try {
            if (!isInBucket(digest) && !isBrought(digest)) {
                return false;
            }
            here.remove(digest);
        } catch (ClosedByInterruptException | InterruptedIOException e) {
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } catch (IOException | UncheckedIOException e) {
            fail(path, e.toString());
            return false;
        } catch (TidemillException e) {
            // Not as while the bucket is away, or its disk is full: then each would fail.
            if (e.code() != ErrorCode.UNAVAILABLE || store.awaySince().isPresent()) {
                throw e;
            }
            fail(path, e.toString());
            return false;
        }
        failed.remove(path);
        unusable.remove(digest);
        return true;
    }

    /** Whether somebody has stored anew what cannot be used here. */
    private boolean isInBucket(Digest digest) {
        return unusable.contains(digest) && store.absent(Set.of(digest)).isEmpty();
    }

    private boolean isBrought(Digest digest) throws IOException {
        if (here.find(digest).isEmpty()) {
            return true;
        }
        try (var content = new Unreliable(here.open(digest))) {
            Digest found;
            try {
                found = store.bringIn(digest, content);
            } catch (IOException e) {
                if (content.hasFailed) {
                    unusable.add(digest);
                }
                throw e;
            }
            if (!found.equals(digest)) {
                unusable.add(digest);
                fail(FolderBlobStore.relativePath(digest), "it is damaged: its SHA-256 is " + found);
                return false;
            }
            return true;
        }
    }

    /** Tells it once. */
    private void fail(String path, String reason) {
        if (!reason.equals(failed.put(path, reason))) {
            LOG.warn(
                    "{} could not be brought into the bucket, and is tried again every {} minutes: {}",
                    folder.resolve(path),
                    again.toMinutes(),
                    reason);
        }
    }

    /** Tells whether it was the content that could not be read, rather than what is written of it. */
    private static final class Unreliable extends FilterInputStream {
        private boolean hasFailed;

        Unreliable(InputStream content) {
            super(content);
        }

        @Override
        public int read(byte[] target, int from, int length) throws IOException {
            try {
                return in.read(target, from, length);
            } catch (IOException e) {
                hasFailed = true;
                throw e;
            }
        }
    }

    /** Ends the round under way too: what is being sent is sent by the next start. */
    @Override
    public void close() {
        loop.close();
        if (!loop.join(END)) {
            LOG.warn(
                    "Blobs of {} are still being sent {} seconds after their end was asked for",
                    folder,
                    END.toSeconds());
        }
    }
}
