package dev.tidemill.artifacts.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps uploads that are not complete yet, and the key that links are signed with. Joins the caller's transaction. */
public interface UploadStore {
    /** An upload in parts, and where its file will be. */
    record Upload(String id, String project, String path, Instant createdAt) {}

    /** A part that has arrived. */
    record Part(int number, BlobStore.Blob blob) {}

    void insert(Upload upload);

    Optional<Upload> find(String id);

    /** Adds a part, in place of the one with that number. False, and nothing is added, where the upload has ended. */
    boolean putPart(String upload, Part part);

    /** By number. */
    List<Part> parts(String upload);

    /** Forgets an upload and its parts. False where it has ended before. */
    boolean delete(String id);

    /** Uploads of a project whose files will be a path, or lie below it. */
    List<Upload> at(String project, String path);

    /** Uploads begun before a time. */
    List<Upload> before(Instant time);

    /** The secret of that name, made now if there is none. */
    String secret(String name);
}
