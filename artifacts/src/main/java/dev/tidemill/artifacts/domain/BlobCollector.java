package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

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
    public record Collected(int blobs, long bytes, int kept) {}

    /**
     * Collects what was let go of before the grace period.
     *
     * @param dryRun tells what would be removed
     */
    public synchronized Collected collect(Duration grace, boolean dryRun) {
        Instant before = clock.instant().minus(grace);
        List<Digest> candidates = references.released(before);
        Set<Digest> inFolders = candidates.isEmpty() ? Set.of() : filesOfFolders();
        int removed = 0;
        long bytes = 0;
        int kept = 0;
        for (int from = 0; from < candidates.size(); from += BATCH) {
            List<Digest> batch = candidates.subList(from, Math.min(from + BATCH, candidates.size()));
            Set<Digest> used = new HashSet<>(references.referenced(new HashSet<>(batch)));
            batch.stream().filter(inFolders::contains).forEach(used::add);
            for (Digest digest : batch) {
                if (used.contains(digest)) {
                    kept++;
                    continue;
                }
                long size = dryRun
                        ? store.find(digest).map(BlobStore.Blob::size).orElse(0L)
                        : removeUnlessHeld(digest, grace);
                if (size >= 0) {
                    removed++;
                    bytes += size;
                } else {
                    kept++;
                }
            }
            if (!dryRun) {
                transactions.write(() -> references.keep(used, before));
            }
        }
        return new Collected(removed, bytes, kept);
    }

    /** Size of what was removed; -1 if it is needed after all, or held. */
    private long removeUnlessHeld(Digest digest, Duration grace) {
        var size = new AtomicLong(-1);
        deletions.unlessHeld(() -> size.set(remove(digest, grace)));
        return size.get();
    }

    /** Size of what was removed; -1 if it is needed after all. */
    private long remove(Digest digest, Duration grace) {
        long size = store.find(digest).map(BlobStore.Blob::size).orElse(0L);
        if (!blobs.setAside(digest, clock.instant().minus(grace))) {
            return -1;
        }
        // Whoever named it before it was moved has committed, or will store it anew: it is not where they look.
        if (!references.referenced(Set.of(digest)).isEmpty()) {
            blobs.bringBack(digest);
            return -1;
        }
        transactions.write(() -> references.forget(List.of(digest)));
        blobs.removeAside(digest);
        return size;
    }

    private Set<Digest> filesOfFolders() {
        var files = new HashSet<Digest>();
        for (Digest folder : references.folders()) {
            Folder.find(store, folder)
                    .ifPresent(found -> found.files().values().forEach(blob -> files.add(blob.digest())));
        }
        return files;
    }
}
