package dev.tidemill.inference.journal;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.FullDisk;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that writes a log's files: what has gathered meanwhile is written and forced to the disk once for all. A file that
 * is full is followed by the next. Thread-safe.
 */
final class GroupCommit {
    private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);

    private static final int SEGMENT_BYTES = 8 << 20;

    /** @param amends the segment that holds what the frame amends; none if it is new, and has to survive */
    private record Frame(ByteBuffer content, Optional<Long> amends, CompletableFuture<Long> written) {
        boolean forced() {
            return amends.isEmpty();
        }
    }

    private final Disk disk;
    private final Path folder;
    private final long mostBytes;
    private final Segments segments;
    /** Taken before that of the segments. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition more = lock.newCondition();
    private final Thread thread;
    private List<Frame> gathered = new ArrayList<>();
    private boolean stopped;
    private boolean rolls;
    /** Used by the writing thread alone. */
    private @Nullable FileChannel channel;

    /** @param mostBytes of all segments, beyond which nothing is appended */
    GroupCommit(Disk disk, Path folder, long mostBytes, Segments segments) {
        this.disk = disk;
        this.folder = folder;
        this.mostBytes = mostBytes;
        this.segments = segments;
        thread = new Thread(this::writeUntilClosed, "journal-file");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Appends a frame.
     *
     * @return completed with its segment once it survives
     */
    CompletableFuture<Long> append(ByteBuffer content) {
        var written = new CompletableFuture<Long>();
        submit(new Frame(content, Optional.empty(), written));
        return written;
    }

    /** Adds a frame to a segment, without waiting for it; to none if it is gone. */
    void amend(long segment, ByteBuffer content) {
        submit(new Frame(content, Optional.of(segment), new CompletableFuture<>()));
    }

    private void submit(Frame frame) {
        lock.lock();
        try {
            if (stopped) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "The server is closing");
            }
            if (frame.forced()) {
                refuseIfFull();
            } else if (!segments.beginAmendment(frame.amends().orElseThrow())) {
                return;
            }
            gathered.add(frame);
            more.signal();
        } finally {
            lock.unlock();
        }
    }

    private void refuseIfFull() {
        long total = segments.bytes();
        if (total > mostBytes) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The journal of predictions is full: " + total
                                    + " bytes wait in it for a database that does not take them")
                    .remedy("See why the database takes no predictions, raise 'inference.journal-limit', or let the"
                            + " deployment lose predictions with 'journal: best-effort'");
        }
    }

    /** Lets another file take the place of the newest soon. */
    void rollSoon() {
        lock.lock();
        try {
            rolls = true;
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
            if (frame.forced() || (channel != null && frame.amends().orElseThrow() == segments.newest())) {
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
            TidemillException refused = refusal(e);
            frames.forEach(frame -> frame.written().completeExceptionally(refused));
            LOG.warn("{} records could not be written to the journal in {}: {}", frames.size(), folder, e.toString());
            noteAmended(frames);
            roll();
            return;
        }
        written(segments.newest(), frames, bytes);
        if (segments.bytesOfNewest() > SEGMENT_BYTES) {
            roll();
        }
    }

    /** What those are told whose records could not be written. */
    private static TidemillException refusal(Throwable failure) {
        if (!(failure instanceof IOException)) {
            return new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The journal of predictions cannot be written; the server's log tells why")
                    .causedBy(failure);
        }
        String message = String.valueOf(failure.getMessage());
        boolean full = FullDisk.is(failure);
        return new TidemillException(
                        full ? ErrorCode.STORAGE_FULL : ErrorCode.UNAVAILABLE,
                        "The journal of predictions cannot be written: " + message)
                .remedy(
                        full
                                ? "Make room on the disk of the data directory"
                                : "See whether the disk of the data directory works and may be written")
                .causedBy(failure);
    }

    private static void put(FileChannel target, List<Frame> frames) throws IOException {
        for (Frame frame : frames) {
            while (frame.content().hasRemaining()) {
                target.write(frame.content());
            }
        }
    }

    /** Appends to a file that is not the newest; it stays as long as there are amendments on their way to it. */
    private void amendClosed(long segment, List<Frame> frames) {
        Path file = segments.file(segment);
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

    private void noteAmended(List<Frame> frames) {
        segments.endAmendments(
                frames.stream().flatMap(frame -> frame.amends().stream()).toList());
    }

    private void written(long segment, List<Frame> frames, long bytes) {
        segments.written(segment, (int) frames.stream().filter(Frame::forced).count(), bytes);
        frames.forEach(frame -> frame.written().complete(segment));
        noteAmended(frames);
    }

    private FileChannel channel() throws IOException {
        FileChannel open = channel;
        if (open != null) {
            return open;
        }
        // First: where the rest fails, the next attempt must not meet this one's file.
        long next = segments.nextNumber();
        Path file = segments.file(next);
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
        segments.begin(next);
        channel = open;
        return open;
    }

    private void roll() {
        closeChannel();
        segments.closeNewest();
    }

    private void closeChannel() {
        try (FileChannel open = channel) {
            channel = null;
        } catch (IOException e) {
            LOG.warn("A journal file in {} could not be closed: {}", folder, e.toString());
        }
    }

    /** Writes what has gathered, and refuses what comes from now on; waits ten seconds at most. */
    void close() {
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
