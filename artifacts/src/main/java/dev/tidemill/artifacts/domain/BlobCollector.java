package dev.tidemill.artifacts.domain;

import dev.tidemill.artifacts.domain.BlobReferences.Released;
import dev.tidemill.artifacts.domain.BlobReferences.Removal;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes blobs that nothing refers to any more, while everybody goes on working. Only what was let go of is looked at, and only
 * after a grace period. A blob is first moved aside; if it turns out that somebody has stored or named it meanwhile, it is moved
 * back: storing renews a blob, so that a renewed one is never removed. What fails or is ended in the midst loses nothing: what was
 * aside comes back, and is looked at again by the next collection. Thread-safe; runs one at a time.
 */
public final class BlobCollector {
    private static final Logger LOG = LoggerFactory.getLogger(BlobCollector.class);

    /** So many are out of sight together while it is looked whether somebody has named them meanwhile. */
    private static final int BATCH = 200;

    /** For so many at a time all folders are read that are in use. */
    private static final int CHUNK = 10_000;

    /** So many files of folders that would go are looked at by a dry run. */
    private static final int DRY_FILES = 200_000;

    private final BlobReferences references;
    private final CollectableBlobs blobs;
    private final BlobStore store;
    private final Transactions transactions;
    private final DeletionHold deletions;
    private final Clock clock;

    /** @param deletions keeps blobs while a backup copies them; what is held is tried again by the next collection */
    public BlobCollector(
            BlobReferences references,
            CollectableBlobs blobs,
            BlobStore store,
            Transactions transactions,
            DeletionHold deletions,
            Clock clock) {
        this.references = references;
        this.blobs = blobs;
        this.store = store;
        this.transactions = transactions;
        this.deletions = deletions;
        this.clock = clock;
    }

    /** What a collection has removed, and what it looked at and left. */
    public record Collected(int blobs, long bytes, int kept) {
        Collected plus(Collected other) {
            return new Collected(blobs + other.blobs, bytes + other.bytes, kept + other.kept);
        }
    }

    /**
     * Collects what was let go of before the grace period. Folders go first, and let go of their files, so that whoever names a
     * folder meanwhile finds all of it or nothing.
     *
     * @param dryRun tells what would be removed; of the files of folders it looks at 200,000
     */
    public synchronized Collected collect(Duration grace, boolean dryRun) {
        Instant before = clock.instant().minus(grace);
        bringBack();
        blobs.tidy();
        var folders = new FoldersInUse(references, store, blobs, before);
        if (!dryRun) {
            return eachChunk(true, before, chunk -> remove(chunk, true, folders, before))
                    .plus(eachChunk(false, before, chunk -> remove(chunk, false, folders, before)));
        }
        var files = new LinkedHashSet<Digest>();
        return eachChunk(true, before, chunk -> look(chunk, folders, files))
                .plus(eachChunk(false, before, chunk -> looked(chunk, unused(chunk, folders))))
                .plus(lookAtFiles(files, folders));
    }

    /** Brings back what a collection that did not come to its end has left out of sight. */
    public synchronized void bringBack() {
        blobs.bringAllBack();
        endRemovals(references.removals());
    }

    /** One that fails keeps no other away; it comes back at the next start or collection. */
    private void bringBack(Digest digest) {
        try {
            blobs.bringBack(digest);
        } catch (RuntimeException e) {
            LOG.warn(
                    "Blob {} could not be brought back, and stays out of sight until the next collection: {}",
                    digest,
                    e);
        }
    }

    /** Of those that are there; the others are removed by this collection or the next. Gives those that are not there. */
    private Set<Digest> endRemovals(Set<Removal> removals) {
        if (removals.isEmpty()) {
            return Set.of();
        }
        Set<Digest> absent = store.absent(digests(removals));
        references.endRemoval(removals.stream()
                .filter(removal -> !absent.contains(removal.digest()))
                .toList());
        return absent;
    }

    private static Set<Digest> digests(Set<Removal> removals) {
        return removals.stream().map(Removal::digest).collect(Collectors.toSet());
    }

    /** Goes through what was let go of before a time, read while it is gone through. */
    private Collected eachChunk(boolean ofFolders, Instant before, Function<List<Digest>, Collected> work) {
        var all = new Collected(0, 0, 0);
        Optional<Released> last = Optional.empty();
        while (true) {
            List<Released> chunk = references.released(ofFolders, before, last, CHUNK);
            if (chunk.isEmpty()) {
                return all;
            }
            all = all.plus(work.apply(chunk.stream().map(Released::digest).toList()));
            last = Optional.of(chunk.getLast());
        }
    }

    private Collected remove(List<Digest> chunk, boolean ofFolders, FoldersInUse folders, Instant before) {
        var all = new Collected(0, 0, 0);
        Set<Digest> held = folders.holding(Set.copyOf(chunk));
        for (List<Digest> batch : batches(chunk)) {
            Set<Digest> used = new HashSet<>(references.named(Set.copyOf(batch)));
            batch.stream().filter(held::contains).forEach(used::add);
            List<Digest> unused =
                    batch.stream().filter(digest -> !used.contains(digest)).toList();
            var gone = new LinkedHashMap<Digest, Long>();
            deletions.unlessHeld(() -> gone.putAll(new Batch(folders, ofFolders, before).remove(unused)));
            transactions.write(() -> references.keep(used, before));
            all = all.plus(collected(gone.values(), batch.size()));
        }
        return all;
    }

    private static Collected collected(Collection<Long> sizes, int looked) {
        return new Collected(
                sizes.size(), sizes.stream().mapToLong(Long::longValue).sum(), looked - sizes.size());
    }

    private Collected look(List<Digest> chunk, FoldersInUse folders, Set<Digest> files) {
        List<Digest> unused = unused(chunk, folders);
        unused.forEach(folder -> folders.read(folder, file -> {
            if (files.size() < DRY_FILES) {
                files.add(file);
            }
        }));
        return looked(chunk, unused);
    }

    private Collected looked(List<Digest> chunk, List<Digest> unused) {
        return collected(unused.stream().map(this::size).toList(), chunk.size());
    }

    /** Files of folders that would go, without those that were let go of themselves. */
    private Collected lookAtFiles(Set<Digest> files, FoldersInUse folders) {
        var all = new Collected(0, 0, 0);
        for (List<Digest> batch : batches(List.copyOf(files))) {
            files.removeAll(references.releasedAmong(Set.copyOf(batch)));
        }
        List<Digest> left = List.copyOf(files);
        for (int from = 0; from < left.size(); from += CHUNK) {
            List<Digest> chunk = left.subList(from, Math.min(left.size(), from + CHUNK));
            all = all.plus(looked(chunk, unused(chunk, folders)));
        }
        return all;
    }

    private List<Digest> unused(List<Digest> chunk, FoldersInUse folders) {
        Set<Digest> used = folders.holding(Set.copyOf(chunk));
        batches(chunk).forEach(batch -> used.addAll(references.named(Set.copyOf(batch))));
        return chunk.stream().filter(digest -> !used.contains(digest)).toList();
    }

    private long size(Digest digest) {
        return store.find(digest).map(BlobStore.Blob::size).orElse(0L);
    }

    private static List<List<Digest>> batches(List<Digest> digests) {
        var batches = new ArrayList<List<Digest>>();
        for (int from = 0; from < digests.size(); from += BATCH) {
            batches.add(digests.subList(from, Math.min(from + BATCH, digests.size())));
        }
        return batches;
    }

    /** The removal of blobs that were in no use just now. */
    private final class Batch {
        private final FoldersInUse folders;
        private final boolean ofFolders;
        private final Instant before;
        private final Map<Digest, Long> aside = new LinkedHashMap<>();

        Batch(FoldersInUse folders, boolean ofFolders, Instant before) {
            this.folders = folders;
            this.ofFolders = ofFolders;
            this.before = before;
        }

        /** What was removed, with its size. */
        Map<Digest, Long> remove(List<Digest> unused) {
            var gone = new LinkedHashMap<Digest, Long>();
            var begun = new HashSet<Removal>();
            try {
                for (Digest digest : unused) {
                    if (deletions.isWanted()) {
                        break;
                    }
                    // Before: one that fails may have moved it.
                    aside.put(digest, size(digest));
                    if (!blobs.setAside(digest, before)) {
                        aside.remove(digest);
                    }
                }
                if (!aside.isEmpty()) {
                    // Whoever claimed one before it was moved has committed then; who claims it later is refused.
                    begun.addAll(references.beginRemoval(aside.keySet()));
                    Set<Digest> removing = digests(begun);
                    Set<Digest> used = new HashSet<>(references.named(removing));
                    used.addAll(folders.holdingSince(removing));
                    // The store may be slow: who wants to hold waits for one blob, and for what is brought back.
                    removing.stream()
                            .filter(digest -> !used.contains(digest))
                            .takeWhile(digest -> !deletions.isWanted())
                            .forEach(digest -> remove(digest, gone));
                }
            } finally {
                aside.keySet().forEach(BlobCollector.this::bringBack);
            }
            end(begun, gone.keySet());
            return gone;
        }

        /** Rows of what is gone go; what is there, since it was brought back or stored anew, may be claimed again. */
        private void end(Set<Removal> begun, Set<Digest> gone) {
            if (!begun.isEmpty()) {
                Set<Digest> absent = endRemovals(begun);
                references.forget(gone.stream().filter(absent::contains).toList(), before);
            }
        }

        /** A folder lets go of its files before it goes, so that no end in the midst leaves files that nobody looks at. */
        private void remove(Digest digest, Map<Digest, Long> gone) {
            if (ofFolders) {
                var files = new ArrayList<Digest>();
                folders.read(digest, file -> {
                    files.add(file);
                    if (files.size() == CHUNK) {
                        release(files);
                    }
                });
                release(files);
            }
            blobs.removeAside(digest);
            gone.put(digest, aside.remove(digest));
        }

        private void release(List<Digest> files) {
            var released = Set.copyOf(files);
            transactions.write(() -> references.release(released, false, before));
            files.clear();
        }
    }
}
