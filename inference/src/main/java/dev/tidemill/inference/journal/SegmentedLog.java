package dev.tidemill.inference.journal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.retention.DeletionHold;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Append-only files of frames: four bytes of length, four of the CRC-32C of what follows, and a JSON list of predictions. One
 * thread writes what has gathered meanwhile and forces it to the disk once for all (group commit). A file that is full is
 * followed by the next; it is deleted once everything in it is settled. A frame that a sudden end has torn is the end of its
 * file. Thread-safe.
 */
public final class SegmentedLog implements PredictionLog {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);
    private static final String SUFFIX = ".journal";
    private static final int HEAD = 8;
    private static final int SEGMENT_BYTES = 8 << 20;
    private static final int BATCH = 1_000;

    /** A file; who may use it is decided under the log's lock. */
    private static final class Segment {
        private final Path file;
        /** Appends that somebody in memory still answers for. */
        private int open;

        private int left;
        private boolean closed;
        private long bytes;

        private Segment(Path file) {
            this.file = file;
        }
    }

    private record Frame(ByteBuffer content, boolean forced, CompletableFuture<Long> written) {}

    private final Path folder;
    private final long mostBytes;
    private final DeletionHold deletions;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private final Thread thread;
    private List<Frame> gathered = new ArrayList<>();
    /** Settled, but held when they were to be deleted. */
    private final Set<Long> heldBack = new TreeSet<>();

    private long total;
    private boolean stopped;
    private boolean rolls;
    private long number;
    /** Used by the writing thread alone. */
    private @org.jspecify.annotations.Nullable FileChannel channel;

    /**
     * Opens a folder, with what a process before has left in it.
     *
     * @param mostBytes beyond which nothing more is kept, and so nothing more is answered that has to be
     */
    public SegmentedLog(Path folder, long mostBytes) {
        this(folder, mostBytes, new DeletionHold());
    }

    /** @param deletions keeps files that are settled until somebody has a second name for them */
    public SegmentedLog(Path folder, long mostBytes, DeletionHold deletions) {
        this.folder = folder;
        this.deletions = deletions;
        this.mostBytes = mostBytes;
        try (Stream<Path> files = Files.list(Files.createDirectories(folder))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(SUFFIX)).toList()) {
                var segment = new Segment(file);
                segment.closed = true;
                segment.left = 1;
                segment.bytes = Files.size(file);
                total += segment.bytes;
                segments.put(Long.parseLong(file.getFileName().toString().replace(SUFFIX, "")), segment);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        number = segments.isEmpty() ? 0 : segments.lastKey();
        thread = new Thread(this::writeUntilClosed, "journal-file");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public long append(List<Prediction> predictions) {
        Frame frame = frame(predictions, true);
        submit(frame);
        try {
            return frame.written().join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TidemillException coded ? coded : e;
        }
    }

    @Override
    public void amend(List<Prediction> predictions) {
        submit(frame(predictions, false));
    }

    private static Frame frame(List<Prediction> predictions, boolean forced) {
        byte[] content;
        try {
            content = Json.objectMapper().writeValueAsBytes(predictions);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
        var checksum = new CRC32C();
        checksum.update(content);
        ByteBuffer frame = ByteBuffer.allocate(HEAD + content.length)
                .putInt(content.length)
                .putInt((int) checksum.getValue())
                .put(content)
                .flip();
        return new Frame(frame, forced, new CompletableFuture<>());
    }

    private void submit(Frame frame) {
        lock.lock();
        try {
            if (stopped) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "The server is closing");
            }
            if (frame.forced() && total > mostBytes) {
                throw new TidemillException(
                                ErrorCode.UNAVAILABLE,
                                "The journal of predictions is full: " + total
                                        + " bytes wait in it for a database that does not take them")
                        .remedy("See why the database takes no predictions, raise 'inference.journal-limit', or let the"
                                + " deployment lose predictions with 'journal: best-effort'");
            }
            gathered.add(frame);
            more.signal();
        } finally {
            lock.unlock();
        }
    }

    private void writeUntilClosed() {
        while (true) {
            List<Frame> frames;
            boolean rolled;
            lock.lock();
            try {
                while (gathered.isEmpty() && !stopped && !rolls) {
                    more.awaitUninterruptibly();
                }
                if (gathered.isEmpty() && stopped) {
                    return;
                }
                frames = gathered;
                gathered = new ArrayList<>();
                rolled = rolls;
                rolls = false;
            } finally {
                lock.unlock();
            }
            if (rolled) {
                roll();
            }
            if (!frames.isEmpty()) {
                write(frames);
            }
        }
    }

    private void write(List<Frame> frames) {
        try {
            FileChannel target = channel();
            long begun = target.position();
            boolean forced = false;
            try {
                for (Frame frame : frames) {
                    while (frame.content().hasRemaining()) {
                        target.write(frame.content());
                    }
                    forced |= frame.forced();
                }
                if (forced) {
                    target.force(false);
                }
            } catch (IOException e) {
                // What was written in part must not stand between what is written later and its reader.
                target.truncate(begun);
                throw e;
            }
            written(frames, target.position() - begun);
            if (target.position() > SEGMENT_BYTES) {
                roll();
            }
        } catch (IOException | RuntimeException e) {
            roll();
            LOG.warn("{} records could not be written to the journal in {}: {}", frames.size(), folder, e.toString());
            var refused = new TidemillException(
                            ErrorCode.STORAGE_FULL, "The journal of predictions cannot be written: " + e.getMessage())
                    .remedy("Make room on the disk of the data directory");
            frames.forEach(frame -> frame.written().completeExceptionally(refused));
        }
    }

    private void written(List<Frame> frames, long bytes) {
        lock.lock();
        try {
            Segment segment = java.util.Objects.requireNonNull(segments.get(number));
            segment.bytes += bytes;
            total += bytes;
            segment.open += (int) frames.stream().filter(Frame::forced).count();
        } finally {
            lock.unlock();
        }
        frames.forEach(frame -> frame.written().complete(number));
    }

    private FileChannel channel() throws IOException {
        FileChannel open = channel;
        if (open == null) {
            long next = number + 1;
            Path file = folder.resolve(String.format(java.util.Locale.ROOT, "%012d%s", next, SUFFIX));
            open = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            try (FileChannel directory = FileChannel.open(folder)) {
                // Or the file's name might not survive with its content.
                directory.force(true);
            }
            channel = open;
            lock.lock();
            try {
                number = next;
                segments.put(next, new Segment(file));
            } finally {
                lock.unlock();
            }
        }
        return open;
    }

    private void roll() {
        closeChannel();
        lock.lock();
        try {
            Segment segment = segments.get(number);
            if (segment != null && !segment.closed) {
                segment.closed = true;
                deleteIfSettled(number, segment);
            }
        } finally {
            lock.unlock();
        }
    }

    private void closeChannel() {
        try (FileChannel open = channel) {
            channel = null;
        } catch (IOException e) {
            LOG.warn("A journal file in {} could not be closed: {}", folder, e.toString());
        }
    }

    private void deleteIfSettled(long key, Segment segment) {
        deleteHeldBack();
        if (segment.closed && segment.open == 0 && segment.left == 0) {
            if (!deletions.unlessHeld(() -> delete(key, segment))) {
                heldBack.add(key);
            }
        }
    }

    private void deleteHeldBack() {
        for (long key : List.copyOf(heldBack)) {
            Segment segment = segments.get(key);
            if (segment == null || deletions.unlessHeld(() -> delete(key, segment))) {
                heldBack.remove(key);
            }
        }
    }

    private void delete(long key, Segment segment) {
        try {
            Files.deleteIfExists(segment.file);
        } catch (IOException e) {
            LOG.warn("{} could not be deleted: {}", segment.file, e.toString());
        }
        segments.remove(key);
        total -= segment.bytes;
    }

    @Override
    public void settle(long segment) {
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null) {
                one.open--;
                deleteIfSettled(segment, one);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void leave(long segment) {
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null) {
                one.open--;
                one.left++;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<Long> readable() {
        lock.lock();
        try {
            deleteHeldBack();
            Segment newest = segments.get(number);
            if (newest != null && !newest.closed && newest.left > 0) {
                // What was left in the file that is written now can be read once another has taken its place.
                rolls = true;
                more.signal();
            }
            return segments.entrySet().stream()
                    .filter(entry -> entry.getValue().closed && entry.getValue().open == 0 && entry.getValue().left > 0)
                    .map(Map.Entry::getKey)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private record Key(String project, String deployment, String id) {}

    @Override
    public void read(long segment, Consumer<List<Prediction>> batches) {
        Path file;
        lock.lock();
        try {
            file = java.util.Objects.requireNonNull(segments.get(segment)).file;
        } finally {
            lock.unlock();
        }
        var newest = new LinkedHashMap<Key, Prediction>();
        long good = 0;
        try (var in = new DataInputStream(new java.io.BufferedInputStream(Files.newInputStream(file)))) {
            long size = Files.size(file);
            while (good + HEAD <= size) {
                int length = in.readInt();
                int told = in.readInt();
                if (length < 0 || length > size - good - HEAD) {
                    break;
                }
                byte[] content = in.readNBytes(length);
                var checksum = new CRC32C();
                checksum.update(content);
                if ((int) checksum.getValue() != told) {
                    break;
                }
                for (Prediction prediction :
                        Json.objectMapper().readValue(content, new TypeReference<List<Prediction>>() {})) {
                    newest.put(new Key(prediction.project(), prediction.deployment(), prediction.id()), prediction);
                }
                good += HEAD + length;
            }
            if (good < size) {
                LOG.warn("The last {} bytes of {} are torn; they were never answered for", size - good, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Prediction> all = List.copyOf(newest.values());
        for (int from = 0; from < all.size(); from += BATCH) {
            batches.accept(all.subList(from, Math.min(all.size(), from + BATCH)));
        }
    }

    @Override
    public void forget(long segment) {
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null) {
                one.left = 0;
                deleteIfSettled(segment, one);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long bytes() {
        lock.lock();
        try {
            return total;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            stopped = true;
            more.signal();
        } finally {
            lock.unlock();
        }
        try {
            thread.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        roll();
    }
}
