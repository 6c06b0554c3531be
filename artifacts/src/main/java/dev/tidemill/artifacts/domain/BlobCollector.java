package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Removes blobs that nothing refers to any more, while everybody goes on working. Only what was let go of is looked at, and only
 * after a grace period. A blob is first moved aside; if it turns out that somebody has stored or named it meanwhile, it is moved
 * back: storing renews a blob, so that a renewed one is never removed. Thread-safe; runs one at a time.
 */
public final class BlobCollector {
    /** So many are out of sight together while it is looked whether somebody has named them meanwhile. */
    private static final int BATCH = 200;

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
        var inTexts = new InTexts();
        var seen = new HashSet<Digest>();
        List<Digest> candidates = references.released(before);
        while (!candidates.isEmpty()) {
            seen.addAll(candidates);
            var files = new LinkedHashSet<Digest>();
            for (int from = 0; from < candidates.size(); from += BATCH) {
                List<Digest> batch = candidates.subList(from, Math.min(from + BATCH, candidates.size()));
                Set<Digest> used = used(batch, inTexts);
                List<Candidate> unused = batch.stream()
                        .filter(digest -> !used.contains(digest))
                        .map(this::candidate)
                        .toList();
                List<Candidate> gone = dryRun ? unused : removeUnlessHeld(unused, before, inTexts);
                if (!dryRun) {
                    transactions.write(() -> references.keep(used, before));
                }
                gone.forEach(one -> files.addAll(one.files()));
                all = all.plus(new Collected(
                        gone.size(), gone.stream().mapToLong(Candidate::size).sum(), batch.size() - gone.size()));
            }
            files.removeAll(seen);
            candidates = List.copyOf(files);
        }
        return all;
    }

    /** A blob that nothing refers to: its size, and the files that it holds if it is a folder. */
    private record Candidate(Digest digest, long size, Set<Digest> files) {}

    private Candidate candidate(Digest digest) {
        return new Candidate(
                digest, store.find(digest).map(BlobStore.Blob::size).orElse(0L), files(digest));
    }

    private Set<Digest> used(Collection<Digest> among, InTexts inTexts) {
        Set<Digest> used = new HashSet<>(references.named(Set.copyOf(among)));
        inTexts.look();
        among.stream().filter(inTexts::hold).forEach(used::add);
        return used;
    }

    /** Those that were removed; none while they are held. */
    private List<Candidate> removeUnlessHeld(List<Candidate> unused, Instant before, InTexts inTexts) {
        var gone = new ArrayList<Candidate>();
        deletions.unlessHeld(() -> gone.addAll(remove(unused, before, inTexts)));
        return gone;
    }

    private List<Candidate> remove(List<Candidate> unused, Instant before, InTexts inTexts) {
        List<Candidate> aside = unused.stream()
                .filter(one -> blobs.setAside(one.digest(), before))
                .toList();
        if (aside.isEmpty()) {
            return aside;
        }
        // Whoever named one before it was moved has committed, or will store it anew: it is not where they look.
        Set<Digest> used = used(aside.stream().map(Candidate::digest).toList(), inTexts);
        // A folder that is out of sight cannot be read, so that its files are told here.
        aside.stream().filter(one -> used.contains(one.digest())).forEach(one -> inTexts.files.addAll(one.files()));
        aside.stream().map(Candidate::digest).filter(inTexts::hold).forEach(used::add);
        used.forEach(blobs::bringBack);
        List<Candidate> gone =
                aside.stream().filter(one -> !used.contains(one.digest())).toList();
        transactions.write(() -> {
            references.forget(gone.stream().map(Candidate::digest).toList());
            references.release(
                    gone.stream().flatMap(one -> one.files().stream()).collect(Collectors.toSet()), before);
        });
        gone.forEach(one -> blobs.removeAside(one.digest()));
        return gone;
    }

    /** What texts name, and the files of the folders among that; each folder is read once in a collection. */
    private final class InTexts {
        private final Set<Digest> named = new HashSet<>();
        private final Set<Digest> files = new HashSet<>();

        /** Takes notice of what is named now. */
        void look() {
            for (Digest digest : references.inTexts()) {
                if (named.add(digest)) {
                    files.addAll(BlobCollector.this.files(digest));
                }
            }
        }

        boolean hold(Digest digest) {
            return named.contains(digest) || files.contains(digest);
        }
    }

    /** Those of a folder; none of another blob. */
    private Set<Digest> files(Digest blobOrFolder) {
        return Folder.find(store, blobOrFolder).stream()
                .flatMap(folder -> folder.files().values().stream())
                .map(BlobStore.Blob::digest)
                .collect(Collectors.toSet());
    }
}
