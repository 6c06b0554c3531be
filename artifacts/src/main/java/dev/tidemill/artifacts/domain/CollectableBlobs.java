package dev.tidemill.artifacts.domain;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Blobs that can be taken away in two steps. */
public interface CollectableBlobs {
    /**
     * The blobs in sight whose digests begin with a byte.
     *
     * @param first from 0 to 255
     */
    List<Digest> beginningWith(int first);

    /** Brings back whatever is out of sight: what a collection that failed or was ended has left there. */
    void bringAllBack();

    /** Forgets what the store has noted for itself and nobody needs any more. */
    default void tidy() {}

    /**
     * Moves a blob out of sight. False, and nothing is moved, if it was stored again after a time; true also where there is none.
     *
     * @param before blobs stored later stay
     */
    boolean setAside(Digest digest, Instant before);

    /** Undoes {@link #setAside}; a blob that was stored meanwhile stays as it is. */
    void bringBack(Digest digest);

    /** The content of a blob that is out of sight; empty if there is none. */
    Optional<InputStream> openAside(Digest digest);

    /** Ends what {@link #setAside} has begun. */
    void removeAside(Digest digest);
}
