package dev.tidemill.artifacts.domain;

import java.io.InputStream;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;

/**
 * Files that clients keep elsewhere, below the one root that the operator named: a folder of this machine or part of a
 * bucket. Every path is relative to that root and already normalised. Thread-safe.
 */
public interface ExternalFiles {
    /** What a folder holds itself, by name; nothing for one that is not there. */
    List<FileStore.Entry> list(String path);

    /** Bytes of a file; empty if there is no such file. */
    OptionalLong size(String path);

    /** @throws dev.tidemill.platform.errors.TidemillException {@code NOT_FOUND} */
    InputStream open(String path);

    /** Sizes of all files below a folder, by their paths relative to it. */
    SortedMap<String, Long> below(String folder);

    /** Removes a file, or a folder with everything in it; gives how many files that were. */
    int delete(String path);
}
