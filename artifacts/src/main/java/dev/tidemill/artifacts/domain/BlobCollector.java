package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * Removes blobs that nothing refers to any more, while everybody goes on working. Only what was let go of is looked at, and only
 * after a grace period. A blob is first moved aside; if it turns out that somebody has stored or named it meanwhile, it is moved
 * back: storing renews a blob, so that a renewed one is never removed. Thread-safe; runs one at a time.
 */
public final class BlobCollector {
    private static final int BATCH = 500;

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

    /** What a collection has removed. */
    public record Collected(int blobs, long bytes, int kept) {
        Collected plus(Collected other) {
            return new Collected(blobs + other.blobs, bytes + other.bytes, kept + other.kept);
        }
    }

    /**
     * Collects what was let go of before the grace period. The files of a folder that is removed are let go of with it, and
     * looked at next.
     *
     * @param dryRun tells what would be removed
     */
    public synchronized Collected collect(Duration grace, boolean dryRun) {
        Instant before = clock.instant().minus(grace);
        var all = new Collected(0, 0, 0);
        List<Digest> candidates = references.released(before);
        Set<Digest> inFolders = candidates.isEmpty() ? Set.of() : filesOfFolders();
        var seen = new HashSet<Digest>();
        while (!candidates.isEmpty()) {
            seen.addAll(candidates);
            var files = new LinkedHashSet<Digest>();
            for (int from = 0; from < candidates.size(); from += BATCH) {
                List<Digest> batch = candidates.subList(from, Math.min(from + BATCH, candidates.size()));
                all = all.plus(collect(batch, inFolders, before, dryRun, files));
            }
            files.removeAll(seen);
            candidates = List.copyOf(files);
        }
        return all;
    }

    /** @param files takes those of the folders that were removed */
    private Collected collect(
            List<Digest> batch, Set<Digest> inFolders, Instant before, boolean dryRun, Set<Digest> files) {
        Set<Digest> used = new HashSet<>(references.referenced(new HashSet<>(batch)));
        batch.stream().filter(inFolders::contains).forEach(used::add);
        int removed = 0;
        long bytes = 0;
        for (Digest digest : batch) {
            if (used.contains(digest)) {
                continue;
            }
            Set<Digest> inside = files(digest);
            long size = dryRun
                    ? store.find(digest).map(BlobStore.Blob::size).orElse(0L)
                    : removeUnlessHeld(digest, inside, before);
            if (size >= 0) {
                removed++;
                bytes += size;
                files.addAll(inside);
            }
        }
        if (!dryRun) {
            transactions.write(() -> references.keep(used, before));
        }
        return new Collected(removed, bytes, batch.size() - removed);
    }

    /** Size of what was removed; -1 if it is needed after all, or held. */
    private long removeUnlessHeld(Digest digest, Set<Digest> inside, Instant before) {
        var size = new AtomicLong(-1);
        deletions.unlessHeld(() -> size.set(remove(digest, inside, before)));
        return size.get();
    }

    /** Size of what was removed; -1 if it is needed after all. */
    private long remove(Digest digest, Set<Digest> inside, Instant before) {
        long size = store.find(digest).map(BlobStore.Blob::size).orElse(0L);
        if (!blobs.setAside(digest, before)) {
            return -1;
        }
        // Whoever named it before it was moved has committed, or will store it anew: it is not where they look.
        if (!references.referenced(Set.of(digest)).isEmpty()) {
            blobs.bringBack(digest);
            return -1;
        }
        transactions.write(() -> {
            references.forget(List.of(digest));
            references.release(inside, before);
        });
        blobs.removeAside(digest);
        return size;
    }

    private Set<Digest> filesOfFolders() {
        var files = new HashSet<Digest>();
        references.folders().forEach(folder -> files.addAll(files(folder)));
        return files;
    }

    /** Those of a folder; none of another blob. */
    private Set<Digest> files(Digest blobOrFolder) {
        return Folder.find(store, blobOrFolder).stream()
                .flatMap(folder -> folder.files().values().stream())
                .map(BlobStore.Blob::digest)
                .collect(Collectors.toSet());
    }
}
