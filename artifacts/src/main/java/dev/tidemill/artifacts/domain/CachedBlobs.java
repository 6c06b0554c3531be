package dev.tidemill.artifacts.domain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** Copies of blobs that are kept elsewhere: one that is gone is fetched again. */
public interface CachedBlobs extends BlobStore {
    /** Bytes that are whole on this disk and nobody's copy yet. Closed without {@link #keep}, it leaves nothing. */
    interface Staged extends AutoCloseable {
        /** What the bytes are. */
        Blob blob();

        Path file();

        @Override
        void close();
    }

    /** A copy, and when it was stored or touched last. */
    record Copy(Blob blob, Instant usedAt) {}

    /**
     * Takes everything that the stream yields, and tells what it is.
     *
     * @throws dev.tidemill.platform.errors.TidemillException as {@link #put}
     */
    Staged stage(InputStream content, long limit) throws IOException;

    /** Makes staged bytes a copy. */
    void keep(Staged staged) throws IOException;

    /** Removes a copy; does nothing where it is not here. Who is reading it reads on. */
    void remove(Digest digest);

    /** Every copy. */
    List<Copy> copies();

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
