package dev.tidemill.artifacts.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/** Keeps which blob each of a project's paths names. All methods join the caller's transaction. */
public interface FileStore {
    void put(String project, String path, BlobStore.Blob blob, Instant now);

    Optional<BlobStore.Blob> find(String project, String path);

    /** Every file below a folder by its path; all of the project's files below the empty path. */
    SortedMap<String, BlobStore.Blob> below(String project, String folder);

    /**
     * What stands in the way of a file at a path: a file where the path has a folder, or a file below the path, which makes it a
     * folder.
     */
    Optional<String> obstacle(String project, String path);

    /** Removes a file, or a folder with everything in it; gives how many files that were. */
    int delete(String project, String path);

    /** One entry of a folder: a file, or a folder of its own with size 0. */
    record Entry(String name, boolean folder, long size) {}

    /** What a folder holds itself, by name. */
    List<Entry> list(String project, String folder);
}
