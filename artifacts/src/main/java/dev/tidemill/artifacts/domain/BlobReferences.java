package dev.tidemill.artifacts.domain;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** What refers to blobs, and which of them have been let go of. Joins the caller's transaction. */
public interface BlobReferences {
    /** Notes that something no longer refers to these blobs; others may still. */
    void release(Collection<Digest> digests, Instant now);

    /** Blobs that were let go of before a time. */
    List<Digest> released(Instant before);

    /** Those of the digests that are the values of columns. */
    Set<Digest> named(Set<Digest> among);

    /** Every digest within the texts of columns that hold more than one; some are of folders. */
    Set<Digest> inTexts();

    /** No longer looks at blobs that are in use, but at those that were let go of after a time: who used them may be gone since. */
    void keep(Collection<Digest> digests, Instant releasedBefore);

    /** Forgets blobs that are gone, and who might read them. */
    void forget(Collection<Digest> digests);
}
