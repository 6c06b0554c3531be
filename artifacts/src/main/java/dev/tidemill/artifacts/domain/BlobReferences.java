package dev.tidemill.artifacts.domain;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** What refers to blobs, and which of them have been let go of. Joins the caller's transaction. */
public interface BlobReferences {
    /** Tables of this module's that hold digests of blobs, in a column of this name. */
    List<String> OWN = List.of("artifact_file", "artifact_upload_part");

    String OWN_COLUMN = "digest";

    /**
     * A column of any module's that holds digests, alone or within a text.
     *
     * @param isFolder whether each value is the digest of a folder's list, and nothing else
     */
    record Column(String table, String column, boolean isFolder) {}

    /** Notes that something no longer refers to these blobs; others may still. */
    void release(Collection<Digest> digests, Instant now);

    /** Blobs that were let go of before a time. */
    List<Digest> released(Instant before);

    /** Those of the digests that a column holds. */
    Set<Digest> referenced(Set<Digest> among);

    /** Every digest that columns hold which name folders. */
    Set<Digest> folders();

    /** Forgets candidates; with {@code gone} also who might read them. */
    void forget(Collection<Digest> digests, boolean gone);
}
