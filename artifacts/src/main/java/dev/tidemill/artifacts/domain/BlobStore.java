package dev.tidemill.artifacts.domain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

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

    /** A blob, if it is there; a store whose blobs are elsewhere and cannot be asked for tells of what it has a copy of. */
    Optional<Blob> find(Digest digest);

    /**
     * Those of the digests that are not there, for whoever is about to name them: copies do not count.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code UNAVAILABLE} if that cannot be told now
     */
    default Set<Digest> absent(Set<Digest> digests) {
        return digests.stream().filter(digest -> find(digest).isEmpty()).collect(Collectors.toSet());
    }

    /** @throws dev.tidemill.platform.errors.TidemillException {@code NOT_FOUND} */
    InputStream open(Digest digest);

    /**
     * As {@link #open}, for who reads very many blobs once: no copy is kept for later. A content that is not what its digest says
     * fails at its end.
     */
    default InputStream openOnce(Digest digest) {
        return open(digest);
    }

    default byte[] read(Digest digest) {
        try (InputStream content = open(digest)) {
            return content.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file with the blob's bytes, for a child process on this machine; it must only be read, and be opened within the hour. */
    Path localFile(Digest digest);
}
