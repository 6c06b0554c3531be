package dev.tidemill.artifacts.domain;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What refers to blobs, and which of them have been let go of. Joins the caller's transaction. */
public interface BlobReferences {
    /** Something that was let go of, and when that was last. */
    record Released(Digest digest, Instant at) {}

    /**
     * A removal that has begun.
     *
     * @param id tells it from every other one, of the same blob too
     */
    record Removal(Digest digest, String id) {}

    /**
     * Notes that something no longer refers to these blobs; others may still. A blob that was let go of later stays as it is.
     *
     * @param folders whether they may be manifests of folders, whose files are let go of when the manifest is removed
     */
    void release(Collection<Digest> digests, boolean folders, Instant now);

    /**
     * What was let go of before a time, the longest ago first.
     *
     * @param folders those that may be folders, or those that are none
     * @param after where to go on; empty from the first
     */
    List<Released> released(boolean folders, Instant before, Optional<Released> after, int limit);

    /** Those that may be folders and were let go of after a time: they may be wanted still, with their files. */
    Set<Digest> foldersReleasedAfter(Instant time);

    /** Those of the digests that were let go of at any time. */
    Set<Digest> releasedAmong(Set<Digest> digests);

    /**
     * Notes of blobs that are out of sight that they are being removed: {@link #claim} tells so from now on. Waits for units of work that
     * are letting go of these, or claim them, and have not ended; joins none. Takes the place of a removal that has not ended.
     *
     * @return the removals of those that were let go of; of others nothing can be noted, and they must not be removed
     */
    Set<Removal> beginRemoval(Collection<Digest> digests);

    /** The removals of those of the digests that are being removed. */
    Set<Removal> removals(Set<Digest> among);

    /** All removals: of a collection that is under way, or did not come to its end. */
    Set<Removal> removals();

    /**
     * Notes that blobs are there again, or still: whoever asks has seen them in the store since it was told of these removals. One that
     * has begun since goes on.
     */
    void endRemoval(Collection<Removal> there);

    /**
     * Lets go of blobs that are about to be named, so that a removal that begins later waits for the unit of work and sees the name.
     *
     * @return those that are being removed, and must not be named
     */
    Set<Digest> claim(Set<Digest> digests, Instant now);

    /** Begins the grace of a blob anew that has just been stored, if it was let go of. */
    void renew(Digest digest, Instant now);

    /** Those of the digests that are the values of columns. */
    Set<Digest> named(Set<Digest> among);

    /** Every digest within the texts of columns that hold more than one; some are of folders. */
    Set<Digest> inTexts();

    /** No longer looks at blobs that are in use, but at those that were let go of after a time: who used them may be gone since. */
    void keep(Collection<Digest> digests, Instant releasedBefore);

    /**
     * Forgets blobs that are gone, and who might read them. What was let go of, claimed or renewed after the time is not forgotten: it may
     * have been stored anew.
     */
    void forget(Collection<Digest> digests, Instant releasedBefore);
}
