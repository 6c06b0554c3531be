package dev.tidemill.artifacts.domain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Keeps byte sequences under their own digest. Storing the same bytes twice keeps them once. What {@code put} returned is
 * durable and whole: a crash leaves either all of a blob or nothing under its digest. Thread-safe.
 */
public interface BlobStore {
    /** A stored blob. */
    record Blob(Digest digest, long size) {}

    /**
     * Stores everything the stream yields.
     *
     * @param limit most bytes to take
     * @throws dev.tidemill.platform.errors.TidemillException {@code TOO_LARGE} beyond the limit, {@code STORAGE_FULL} when
     *     there is no room; nothing is kept then
     */
    Blob put(InputStream content, long limit) throws IOException;

    Blob put(byte[] content);

    Optional<Blob> find(Digest digest);

    /** @throws dev.tidemill.platform.errors.TidemillException {@code NOT_FOUND} */
    InputStream open(Digest digest);

    byte[] read(Digest digest);

    /** A file with the blob's bytes, for a child process on this machine; it must only be read. */
    Path localFile(Digest digest);
}
