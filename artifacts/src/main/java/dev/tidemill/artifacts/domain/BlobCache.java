package dev.tidemill.artifacts.domain;

import dev.tidemill.artifacts.domain.BlobStore.Blob;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Copies of blobs up to a number of bytes: those that were used least recently go first, but none that somebody reads, or was
 * given as a file within the hour. What is in use may so take more than the bound. Thread-safe.
 */
public final class BlobCache {
    /** For how long a file that was given to somebody stays, since nobody tells when they have opened it. */
    private static final Duration HELD = Duration.ofHours(1);

    private final CachedBlobs files;
    private final long bound;
    private final Clock clock;
    /** In the order of their last use; guarded by this. */
    private final Map<Digest, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

    private long bytes;

    private static final class Entry {
        private final long size;
        private int readers;
        private Instant heldUntil = Instant.MIN;

        private Entry(long size) {
            this.size = size;
        }
    }

    /** @param bound most bytes of copies that nobody uses */
    public BlobCache(CachedBlobs files, long bound, Clock clock) {
        this.files = files;
        this.bound = bound;
        this.clock = clock;
        files.copies().stream()
                .sorted(Comparator.comparing(CachedBlobs.Copy::usedAt))
                .forEach(copy -> {
                    entries.put(copy.blob().digest(), new Entry(copy.blob().size()));
                    bytes += copy.blob().size();
                });
        makeRoom();
    }

    /** A copy that stays until this is closed; closing it again does nothing. */
    public final class Use implements AutoCloseable {
        private final Digest digest;
        private final Entry entry;
        private final AtomicBoolean open = new AtomicBoolean(true);

        private Use(Digest digest, Entry entry) {
            this.digest = digest;
            this.entry = entry;
        }

        /** The copy's content; the use ends when the stream is closed. */
        public InputStream stream() {
            try {
                return new FilterInputStream(Files.newInputStream(files.localFile(digest))) {
                    @Override
                    public void close() throws IOException {
                        try {
                            in.close();
                        } finally {
                            Use.this.close();
                        }
                    }
                };
            } catch (IOException e) {
                close();
                throw new UncheckedIOException(e);
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }

        /** The copy's file, which stays for an hour. */
        public Path file() {
            hold(entry);
            return files.localFile(digest);
        }

        @Override
        public void close() {
            if (open.compareAndSet(true, false)) {
                release(entry);
            }
        }
    }

    /** A copy, if it is here. */
    public synchronized Optional<Use> use(Digest digest) {
        Entry entry = entries.get(digest);
        if (entry == null) {
            return Optional.empty();
        }
        if (files.find(digest).isEmpty()) {
            // Somebody has emptied the folder.
            forget(digest);
            return Optional.empty();
        }
        entry.readers++;
        files.touch(digest);
        return Optional.of(new Use(digest, entry));
    }

    /** The size of a copy that is here. */
    public synchronized OptionalLong size(Digest digest) {
        Entry entry = entries.get(digest);
        return entry == null ? OptionalLong.empty() : OptionalLong.of(entry.size);
    }

    /** As {@link CachedBlobs#stage}. */
    public CachedBlobs.Staged stage(InputStream content, long limit) throws IOException {
        return files.stage(content, limit);
    }

    /** Makes staged bytes a copy, and room for it; it stays until the use is closed. */
    public synchronized Use keep(CachedBlobs.Staged staged) throws IOException {
        Blob blob = staged.blob();
        files.keep(staged);
        Entry entry = entries.get(blob.digest());
        if (entry == null) {
            entry = new Entry(blob.size());
            entries.put(blob.digest(), entry);
            bytes += blob.size();
        }
        entry.readers++;
        makeRoom();
        return new Use(blob.digest(), entry);
    }

    /** Removes a copy; who is reading it reads on. */
    public synchronized void remove(Digest digest) {
        files.remove(digest);
        forget(digest);
    }

    /** Bytes of all copies. */
    public synchronized long bytes() {
        return bytes;
    }

    private synchronized void hold(Entry entry) {
        entry.heldUntil = clock.instant().plus(HELD);
    }

    private synchronized void release(Entry entry) {
        entry.readers--;
        makeRoom();
    }

    private void forget(Digest digest) {
        Entry entry = entries.remove(digest);
        if (entry != null) {
            bytes -= entry.size;
        }
    }

    private synchronized void makeRoom() {
        if (bytes <= bound) {
            return;
        }
        Instant now = clock.instant();
        var all = entries.entrySet().iterator();
        while (bytes > bound && all.hasNext()) {
            Map.Entry<Digest, Entry> eldest = all.next();
            Entry entry = eldest.getValue();
            if (entry.readers == 0 && !now.isBefore(entry.heldUntil)) {
                files.remove(eldest.getKey());
                all.remove();
                bytes -= entry.size;
            }
        }
    }
}
