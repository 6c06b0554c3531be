package dev.tidemill.artifacts.domain;

import java.util.Set;

/** Which blobs a project may read: contents are shared between projects, the right to see them is not. */
public interface ProjectBlobs {
    void add(String project, Digest digest);

    /** Whether the project may read all of these. */
    boolean containsAll(String project, Set<Digest> digests);

    boolean contains(String project, Digest digest);

    /** Those of the digests that no project may read. */
    Set<Digest> withoutProject(Set<Digest> among);

    /** Lets a project see a folder and everything in it. */
    default void add(String project, Folder folder) {
        add(project, folder.digest());
        folder.files().values().forEach(blob -> add(project, blob.digest()));
    }
}
