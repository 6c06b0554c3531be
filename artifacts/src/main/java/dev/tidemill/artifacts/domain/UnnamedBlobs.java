package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds blobs that no project may read: whoever stored one was ended before anything named it. They are let go of, so that a
 * collection looks at them as at all others, after its grace. A part of the store at a time. Thread-safe.
 */
public final class UnnamedBlobs {
    /** Into how many parts the store is divided: by the first byte of digests. */
    public static final int PARTS = 256;

    private static final int BATCH = 1_000;

    private final CollectableBlobs blobs;
    private final ProjectBlobs owned;
    private final BlobReferences references;
    private final Transactions transactions;
    private final Clock clock;
    private int next;

    public UnnamedBlobs(
            CollectableBlobs blobs,
            ProjectBlobs owned,
            BlobReferences references,
            Transactions transactions,
            Clock clock) {
        this.blobs = blobs;
        this.owned = owned;
        this.references = references;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Looks at the next parts of the store, after the last one at the first again.
     *
     * @param parts how many, at most {@link #PARTS}
     * @return how many blobs were let go of that had not been before
     */
    public synchronized int look(int parts) {
        int found = 0;
        for (int i = 0; i < parts; i++) {
            List<Digest> stored = blobs.beginningWith(next);
            next = (next + 1) % PARTS;
            for (int from = 0; from < stored.size(); from += BATCH) {
                found += release(Set.copyOf(stored.subList(from, Math.min(stored.size(), from + BATCH))));
            }
        }
        return found;
    }

    private int release(Set<Digest> stored) {
        Set<Digest> unnamed = new HashSet<>(owned.withoutProject(stored));
        // Those that were let go of are looked at already; to let go of them again would begin their grace anew.
        unnamed.removeAll(references.releasedAmong(unnamed));
        if (!unnamed.isEmpty()) {
            transactions.write(() -> references.release(unnamed, false, clock.instant()));
        }
        return unnamed.size();
    }
}
