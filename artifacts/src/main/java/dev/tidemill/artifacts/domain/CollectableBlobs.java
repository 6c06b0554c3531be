package dev.tidemill.artifacts.domain;

import java.time.Instant;

/** Blobs that can be taken away in two steps. */
public interface CollectableBlobs {
    /**
     * Moves a blob out of sight. False, and nothing is moved, if it is not there or was stored again after a time.
     *
     * @param before blobs stored later stay
     */
    boolean setAside(Digest digest, Instant before);

    /** Undoes {@link #setAside}; a blob that was stored meanwhile stays as it is. */
    void bringBack(Digest digest);

    /** Ends what {@link #setAside} has begun. */
    void removeAside(Digest digest);
}
