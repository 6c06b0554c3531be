package dev.tidemill.artifacts.domain;

/** Which blobs a project may read: contents are shared between projects, the right to see them is not. */
public interface ProjectBlobs {
    void add(String project, Digest digest);

    boolean contains(String project, Digest digest);

    /** Lets a project see a folder and everything in it. */
    default void add(String project, Folder folder) {
        add(project, folder.digest());
        folder.files().values().forEach(blob -> add(project, blob.digest()));
    }
}
