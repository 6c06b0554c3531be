package dev.tidemill.inference.journal;

import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
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
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Append-only files of {@link Frames}. One thread writes what has gathered meanwhile and forces it to the disk once for all
 * (group commit). A file that is full is followed by the next; it is deleted once everything in it is settled. What a sudden
 * end has torn at a file's end was answered to nobody; a file with damage elsewhere is {@link KeptAside} once the rest of it has
 * been read. Thread-safe.
 */
public final class SegmentedLog implements PredictionLog {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);
    private static final String SUFFIX = ".journal";
    private static final int READING_TRIES = 5;
    private static final int SEGMENT_BYTES = 8 << 20;
    private static final int BATCH = 1_000;

    /** A file; who may use it is decided under the log's lock. */
    private static final class Segment {
        private final Path file;
        /** Appends that somebody in memory still answers for. */
        private int open;

        private int left;
        /** Amendments on their way to the file. */
        private int amended;

        private boolean closed;
        private int failedReads;
        /** Whether there is something in it that cannot be read. */
        private boolean damaged;

        private long bytes;

        private Segment(Path file) {
            this.file = file;
        }
    }

    /** @param amends the segment that holds what the frame amends; none if it is new, and has to survive */
    private record Frame(ByteBuffer content, Optional<Long> amends, CompletableFuture<Long> written) {
        boolean forced() {
            return amends.isEmpty();
        }
    }

    private final Disk disk;
    private final Path folder;
    private final KeptAside aside;
    private final long mostBytes;
    private final SettledFiles settledFiles;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private final Thread thread;
    private List<Frame> gathered = new ArrayList<>();
    private long total;
    private boolean stopped;
    private boolean rolls;
    private long number;
    private long unreadable;
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
        this(folder, mostBytes, deletions, Disk.REAL);
    }

    SegmentedLog(Path folder, long mostBytes, DeletionHold deletions, Disk disk) {
        this.disk = disk;
        this.folder = folder;
        this.mostBytes = mostBytes;
        this.aside = new KeptAside(folder);
        this.settledFiles = new SettledFiles(deletions, aside);
        try (Stream<Path> files = Files.list(Files.createDirectories(folder))) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.matches("\\d{12}" + SUFFIX + "(" + KeptAside.UNREADABLE + ")?")) {
                    // Those kept aside have had their numbers too.
                    number = Long.parseLong(name.substring(0, 12));
                    if (name.endsWith(SUFFIX)) {
                        takeUp(file);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        unreadable = aside.segments();
        thread = new Thread(this::writeUntilClosed, "journal-file");
        thread.setDaemon(true);
        thread.start();
    }

    private void takeUp(Path file) throws IOException {
        var segment = new Segment(file);
        segment.closed = true;
        segment.left = 1;
        segment.bytes = Files.size(file);
        total += segment.bytes;
        segments.put(number, segment);
    }

    @Override
    public long append(List<Prediction> predictions) {
        Frame frame = new Frame(Frames.of(predictions), Optional.empty(), new CompletableFuture<>());
        submit(frame);
        try {
            return frame.written().join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TidemillException coded ? coded : e;
        }
    }

    @Override
    public void amend(long segment, List<Prediction> predictions) {
        submit(new Frame(Frames.of(predictions), Optional.of(segment), new CompletableFuture<>()));
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
            if (!frame.forced()) {
                Segment amended = segments.get(frame.amends().orElseThrow());
                if (amended == null) {
                    return;
                }
                amended.amended++;
            }
            gathered.add(frame);
            more.signal();
        } finally {
            lock.unlock();
        }
    }

    private void writeUntilClosed() {
        try {
            while (writeNext()) {
                // until it is closed
            }
        } finally {
            List<Frame> late;
            lock.lock();
            try {
                // Whoever comes from now on is refused rather than left to wait for a thread that has ended.
                stopped = true;
                late = gathered;
                gathered = new ArrayList<>();
            } finally {
                lock.unlock();
            }
            var closing = new TidemillException(ErrorCode.UNAVAILABLE, "The server is closing");
            late.forEach(frame -> frame.written().completeExceptionally(closing));
            roll();
        }
    }

    /** Writes what has gathered; false if nothing comes any more. */
    private boolean writeNext() {
        List<Frame> frames;
        boolean rolled;
        lock.lock();
        try {
            while (gathered.isEmpty() && !stopped && !rolls) {
                more.awaitUninterruptibly();
            }
            if (gathered.isEmpty() && stopped) {
                return false;
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
        try {
            writeToTheirFiles(frames);
        } catch (Throwable e) {
            LOG.warn("{} records could not be written to the journal in {}: {}", frames.size(), folder, e.toString());
            var refused = new TidemillException(ErrorCode.UNAVAILABLE, "The journal of predictions cannot be written");
            frames.forEach(frame -> frame.written().completeExceptionally(refused));
        }
        return true;
    }

    private void writeToTheirFiles(List<Frame> frames) {
        // An amendment belongs to the file of what it amends, which may be another's predecessor: they are read
        // together.
        var elsewhere = new TreeMap<Long, List<Frame>>();
        List<Frame> here = new ArrayList<>();
        for (Frame frame : frames) {
            if (frame.forced() || (channel != null && frame.amends().orElseThrow() == number)) {
                here.add(frame);
            } else {
                elsewhere
                        .computeIfAbsent(frame.amends().orElseThrow(), key -> new ArrayList<>())
                        .add(frame);
            }
        }
        if (!here.isEmpty()) {
            write(here);
        }
        elsewhere.forEach(this::amendClosed);
    }

    private void write(List<Frame> frames) {
        long bytes = 0;
        try {
            FileChannel target = channel();
            long begun = target.position();
            try {
                put(target, frames);
                if (frames.stream().anyMatch(Frame::forced)) {
                    target.force(false);
                }
                bytes = target.position() - begun;
            } catch (Throwable e) {
                // What was written in part must not stand between what is written later and its reader.
                target.truncate(begun);
                throw e;
            }
        } catch (Throwable e) {
            // This is the only thread that writes: whatever it meets, those who wait for it are told.
            var refused = new TidemillException(
                            ErrorCode.STORAGE_FULL, "The journal of predictions cannot be written: " + e.getMessage())
                    .remedy("Make room on the disk of the data directory");
            frames.forEach(frame -> frame.written().completeExceptionally(refused));
            LOG.warn("{} records could not be written to the journal in {}: {}", frames.size(), folder, e.toString());
            noteAmended(frames);
            roll();
            return;
        }
        written(number, frames, bytes);
        if (bytesOfNewest() > SEGMENT_BYTES) {
            roll();
        }
    }

    private static void put(FileChannel target, List<Frame> frames) throws IOException {
        for (Frame frame : frames) {
            while (frame.content().hasRemaining()) {
                target.write(frame.content());
            }
        }
    }

    private long bytesOfNewest() {
        lock.lock();
        try {
            Segment newest = segments.get(number);
            return newest == null ? 0 : newest.bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Appends to a file that is not the newest; it stays as long as there are amendments on their way to it. */
    private void amendClosed(long segment, List<Frame> frames) {
        Path file = file(segment);
        try (FileChannel target = FileChannel.open(file, StandardOpenOption.APPEND)) {
            long begun = target.size();
            try {
                put(target, frames);
            } catch (Throwable e) {
                target.truncate(begun);
                throw e;
            }
            written(segment, frames, target.size() - begun);
        } catch (Throwable e) {
            LOG.warn("{} amendments could not be written to {}: {}", frames.size(), file, e.toString());
            noteAmended(frames);
        }
    }

    /** Takes amendments, written or not, off what is on its way. */
    private void noteAmended(List<Frame> frames) {
        List<SettledFiles.Settled> settled = new ArrayList<>();
        lock.lock();
        try {
            for (Frame frame : frames) {
                frame.amends().ifPresent(key -> {
                    Segment segment = segments.get(key);
                    if (segment != null) {
                        segment.amended--;
                        removeIfSettled(key, segment).ifPresent(settled::add);
                    }
                });
            }
        } finally {
            lock.unlock();
        }
        settled.forEach(settledFiles::add);
    }

    private Path file(long segment) {
        return folder.resolve(String.format(java.util.Locale.ROOT, "%012d%s", segment, SUFFIX));
    }

    private void written(long key, List<Frame> frames, long bytes) {
        lock.lock();
        try {
            Segment segment = java.util.Objects.requireNonNull(segments.get(key));
            segment.bytes += bytes;
            total += bytes;
            segment.open += (int) frames.stream().filter(Frame::forced).count();
        } finally {
            lock.unlock();
        }
        frames.forEach(frame -> frame.written().complete(key));
        noteAmended(frames);
    }

    private FileChannel channel() throws IOException {
        FileChannel open = channel;
        if (open != null) {
            return open;
        }
        long next;
        lock.lock();
        try {
            // First: where the rest fails, the next attempt must not meet this one's file.
            next = ++number;
        } finally {
            lock.unlock();
        }
        Path file = file(next);
        open = disk.create(file);
        try {
            // Or the file's name might not survive with its content.
            disk.force(folder);
        } catch (Throwable e) {
            try (FileChannel closing = open) {
                Files.deleteIfExists(file);
            }
            throw e;
        }
        lock.lock();
        try {
            segments.put(next, new Segment(file));
        } finally {
            lock.unlock();
        }
        channel = open;
        return open;
    }

    private void roll() {
        closeChannel();
        Optional<SettledFiles.Settled> settled = Optional.empty();
        lock.lock();
        try {
            Segment segment = segments.get(number);
            if (segment != null && !segment.closed) {
                segment.closed = true;
                settled = removeIfSettled(number, segment);
            }
        } finally {
            lock.unlock();
        }
        settled.ifPresent(settledFiles::add);
    }

    private void closeChannel() {
        try (FileChannel open = channel) {
            channel = null;
        } catch (IOException e) {
            LOG.warn("A journal file in {} could not be closed: {}", folder, e.toString());
        }
    }

    /** Forgets a segment that nobody needs, under the lock; gives the file, to be deleted without it. */
    private Optional<SettledFiles.Settled> removeIfSettled(long key, Segment segment) {
        if (!segment.closed || segment.open > 0 || segment.left > 0 || segment.amended > 0) {
            return Optional.empty();
        }
        segments.remove(key);
        total -= segment.bytes;
        return Optional.of(new SettledFiles.Settled(segment.file, segment.damaged));
    }

    @Override
    public void settle(long segment) {
        Optional<SettledFiles.Settled> settled = Optional.empty();
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null) {
                one.open--;
                settled = removeIfSettled(segment, one);
            }
        } finally {
            lock.unlock();
        }
        settled.ifPresent(settledFiles::add);
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
        settledFiles.end();
        lock.lock();
        try {
            Segment newest = segments.get(number);
            if (newest != null && !newest.closed && newest.left > 0) {
                // What was left in the file that is written now can be read once another has taken its place.
                rolls = true;
                more.signal();
            }
            return segments.entrySet().stream()
                    .filter(entry -> isReadable(entry.getValue()))
                    .map(Map.Entry::getKey)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private static boolean isReadable(Segment segment) {
        return segment.closed && segment.open == 0 && segment.amended == 0 && segment.left > 0;
    }

    @Override
    public void read(long segment, Consumer<List<Prediction>> batches) {
        Path file = file(segment);
        var newest = new LinkedHashMap<Prediction.Key, Prediction>();
        try {
            Frames.Content content = Frames.read(file);
            content.batches().stream()
                    .flatMap(List::stream)
                    .forEach(prediction -> newest.put(prediction.key(), prediction));
            if (content.torn() > 0) {
                LOG.warn("The last {} bytes of {} are torn; they were never answered for", content.torn(), file);
            }
            if (content.unreadable() > 0) {
                LOG.error("{} bytes of {} are damaged; what follows them is read", content.unreadable(), file);
                noteDamaged(segment);
            }
        } catch (IOException e) {
            if (isWorthAnotherRead(segment)) {
                throw new UncheckedIOException(e);
            }
            LOG.error("{} cannot be read", file, e);
            noteDamaged(segment);
        }
        List<Prediction> all = List.copyOf(newest.values());
        for (int from = 0; from < all.size(); from += BATCH) {
            batches.accept(all.subList(from, Math.min(all.size(), from + BATCH)));
        }
    }

    /** What keeps a file from being read may pass: too many open files, a network volume that is away. */
    private boolean isWorthAnotherRead(long segment) {
        lock.lock();
        try {
            Segment one = segments.get(segment);
            return one != null && ++one.failedReads < READING_TRIES;
        } finally {
            lock.unlock();
        }
    }

    private void noteDamaged(long segment) {
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null && !one.damaged) {
                one.damaged = true;
                unreadable++;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void forget(long segment) {
        Optional<SettledFiles.Settled> settled = Optional.empty();
        lock.lock();
        try {
            Segment one = segments.get(segment);
            if (one != null) {
                one.left = 0;
                settled = removeIfSettled(segment, one);
            }
        } finally {
            lock.unlock();
        }
        settled.ifPresent(settledFiles::add);
    }

    @Override
    public void setAside(Prediction prediction, String reason) {
        aside.prediction(prediction, reason);
    }

    @Override
    public long unreadable() {
        lock.lock();
        try {
            return unreadable;
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
    }
}
