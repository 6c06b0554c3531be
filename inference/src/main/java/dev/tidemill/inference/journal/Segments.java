package dev.tidemill.inference.journal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The book of a log's files: who needs them still, how large they are, which may be read and which may go. Thread-safe. */
final class Segments {
    private static final String SUFFIX = ".journal";
    private static final int READING_TRIES = 5;

    /** A file; used under the lock. */
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

    private final Path folder;
    private final SettledFiles settledFiles;
    private final ReentrantLock lock = new ReentrantLock();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private long total;
    private long number;
    private long unreadable;

    /**
     * Takes up what a process before has left in a folder.
     *
     * @param unreadable how many are kept aside because they could not be read as a whole
     */
    Segments(Path folder, SettledFiles settledFiles, long unreadable) {
        this.folder = folder;
        this.settledFiles = settledFiles;
        this.unreadable = unreadable;
        try (Stream<Path> files = Files.list(folder)) {
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
    }

    private void takeUp(Path file) throws IOException {
        var segment = new Segment(file);
        segment.closed = true;
        segment.left = 1;
        segment.bytes = Files.size(file);
        total += segment.bytes;
        segments.put(number, segment);
    }

    Path file(long key) {
        return folder.resolve(String.format(Locale.ROOT, "%012d%s", key, SUFFIX));
    }

    /** Number of the newest; nobody but who begins segments changes it. */
    long newest() {
        lock.lock();
        try {
            return number;
        } finally {
            lock.unlock();
        }
    }

    /** A number that no segment has had. */
    long nextNumber() {
        lock.lock();
        try {
            return ++number;
        } finally {
            lock.unlock();
        }
    }

    /** Takes up a new segment, whose file is there. */
    void begin(long key) {
        lock.lock();
        try {
            segments.put(key, new Segment(file(key)));
        } finally {
            lock.unlock();
        }
    }

    /** Notes that nothing more is appended to the newest. */
    void closeNewest() {
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

    /** Forgets a segment that nobody needs, under the lock; gives the file, to be deleted without it. */
    private Optional<SettledFiles.Settled> removeIfSettled(long key, Segment segment) {
        if (!segment.closed || segment.open > 0 || segment.left > 0 || segment.amended > 0) {
            return Optional.empty();
        }
        segments.remove(key);
        total -= segment.bytes;
        return Optional.of(new SettledFiles.Settled(segment.file, segment.damaged));
    }

    /** Notes what has been written to a segment. */
    void written(long key, int appends, long bytes) {
        lock.lock();
        try {
            Segment segment = Objects.requireNonNull(segments.get(key));
            segment.bytes += bytes;
            total += bytes;
            segment.open += appends;
        } finally {
            lock.unlock();
        }
    }

    /** Keeps a segment for an amendment that is on its way to it; false if the segment is gone. */
    boolean beginAmendment(long key) {
        lock.lock();
        try {
            Segment segment = segments.get(key);
            if (segment == null) {
                return false;
            }
            segment.amended++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Takes amendments, written or not, off what is on its way; a key for each. */
    void endAmendments(List<Long> keys) {
        List<SettledFiles.Settled> settled = new ArrayList<>();
        lock.lock();
        try {
            for (long key : keys) {
                Segment segment = segments.get(key);
                if (segment != null) {
                    segment.amended--;
                    removeIfSettled(key, segment).ifPresent(settled::add);
                }
            }
        } finally {
            lock.unlock();
        }
        settled.forEach(settledFiles::add);
    }

    /** Notes that an append needs its segment no more. */
    void settle(long key) {
        end(key, segment -> segment.open--);
    }

    /** Notes that a segment has been read. */
    void forget(long key) {
        end(key, segment -> segment.left = 0);
    }

    private void end(long key, Consumer<Segment> change) {
        Optional<SettledFiles.Settled> settled = Optional.empty();
        lock.lock();
        try {
            Segment segment = segments.get(key);
            if (segment != null) {
                change.accept(segment);
                settled = removeIfSettled(key, segment);
            }
        } finally {
            lock.unlock();
        }
        settled.ifPresent(settledFiles::add);
    }

    /** Notes that an append has to be read again. */
    void leave(long key) {
        lock.lock();
        try {
            Segment segment = segments.get(key);
            if (segment != null) {
                segment.open--;
                segment.left++;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether something was left in the one that is written now; it can be read once another has taken its place. */
    boolean isNewestLeft() {
        lock.lock();
        try {
            Segment newest = segments.get(number);
            return newest != null && !newest.closed && newest.left > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Those with nothing but what was left, oldest first. */
    List<Long> readable() {
        settledFiles.end();
        lock.lock();
        try {
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

    /** What keeps a file from being read may pass: too many open files, a network volume that is away. */
    boolean isWorthAnotherRead(long key) {
        lock.lock();
        try {
            Segment segment = segments.get(key);
            return segment != null && ++segment.failedReads < READING_TRIES;
        } finally {
            lock.unlock();
        }
    }

    /** Notes that not all of a segment can be read. */
    void damaged(long key) {
        lock.lock();
        try {
            Segment segment = segments.get(key);
            if (segment != null && !segment.damaged) {
                segment.damaged = true;
                unreadable++;
            }
        } finally {
            lock.unlock();
        }
    }

    /** How many could not be read as a whole. */
    long unreadable() {
        lock.lock();
        try {
            return unreadable;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of all. */
    long bytes() {
        lock.lock();
        try {
            return total;
        } finally {
            lock.unlock();
        }
    }

    long bytesOfNewest() {
        lock.lock();
        try {
            Segment newest = segments.get(number);
            return newest == null ? 0 : newest.bytes;
        } finally {
            lock.unlock();
        }
    }
}
