package dev.tidemill.artifacts.domain;

import java.time.Instant;

/** Copies of blobs that are kept elsewhere: one that is gone is fetched again. */
public interface CachedBlobs extends BlobStore {
    /** Tells that a blob is wanted now; does nothing where it is not here. */
    void touch(Digest digest);

    /**
     * Removes what nobody has wanted for long.
     *
     * @param before blobs stored or touched later stay
     * @return how many are gone
     */
    int removeUnused(Instant before);
}
