package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.artifacts.store.SqlStoreIdentity;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where blobs are kept.
 *
 * @param folder of the blobs that are kept on this disk; where there is a bucket, what is there goes into that
 * @param bucket where they are kept instead
 */
public record ArtifactStorage(Path folder, Optional<Bucket> bucket) {
    private static final String BINDING = "store";

    /**
     * A part of a bucket.
     *
     * @param uri {@code s3://bucket/prefix}
     * @param copies folder of copies on this disk
     * @param bound most bytes of copies that nobody uses
     * @param self what tells this process from others that have the bucket, also after a restart
     */
    public record Bucket(String uri, Path copies, long bound, String self) {}

    /** Blobs on this disk alone. */
    public static ArtifactStorage inFolder(Path folder) {
        return new ArtifactStorage(folder, Optional.empty());
    }

    /**
     * Refuses to look for blobs in another place than the one where this directory's server kept them last.
     *
     * @param copies folder of copies of a bucket's blobs, whether there is a bucket or not
     * @param uri where blobs are to be kept; empty: on this disk
     * @throws TidemillException {@code FAILED_PRECONDITION} if they are elsewhere
     */
    public static void requireSame(Path copies, String uri) {
        Path binding = copies.resolve(BINDING);
        try {
            if (!Files.exists(binding)) {
                return;
            }
            String last = Files.readString(binding).strip();
            if (!last.equals(uri)) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The artifacts of this directory's server are in " + last + ", and artifacts.store is "
                                        + (uri.isEmpty() ? "empty" : uri))
                        .at("artifacts.store")
                        .remedy("Set it to " + last
                                + ". If they have been copied to another bucket or prefix, or are not needed"
                                + " any more, delete " + binding);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Refuses to begin with blobs in an empty folder where those that the database names are in a bucket: each would be missing.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the database has a bucket, and nothing is in the folder
     */
    static void requireNoBucket(FolderBlobStore blobs, Path folder, SqlStoreIdentity identity) {
        Optional<String> bucket = identity.bucket();
        if (bucket.isPresent() && blobs.copies().isEmpty()) {
            String place = bucket.get().isEmpty() ? "a bucket" : bucket.get();
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "The artifacts that this database names are in " + place
                                    + ", artifacts.store is empty, and so is " + folder)
                    .at("artifacts.store")
                    .remedy("Set it to " + (bucket.get().isEmpty() ? "s3://bucket/prefix" : place)
                            + ". If they are to be on this disk, copy what is below its blobs/ to " + folder
                            + ". If they are not needed any more, delete the row of the table blob_store");
        }
    }

    /** Notes that blobs are in a bucket from now on: it is there, and this server's to use. */
    static void bind(Bucket where) {
        try {
            Files.writeString(where.copies().resolve(BINDING), where.uri() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Opens the bucket's store; nothing is asked of the bucket yet. */
    BucketBlobStore open(Bucket where, Map<String, String> environment, Supplier<String> database, Clock clock) {
        var cache = new BlobCache(new FolderBlobStore(where.copies()), where.bound(), clock);
        return BucketBlobStore.of(where.uri(), environment, cache, database, where.self(), clock);
    }

    /**
     * Makes a part of a bucket, in which nothing may be, ready for the blobs of a database that is being restored.
     *
     * @param database with the newest schema
     * @throws TidemillException {@code FAILED_PRECONDITION} if something is there, or the bucket is not to be used; {@code UNAVAILABLE}
     *     if it does not answer
     */
    public static RestoredBucket forRestore(
            Bucket where, Map<String, String> environment, Database database, Clock clock) {
        var identity = new SqlStoreIdentity(database);
        var store = new ArtifactStorage(where.copies(), Optional.of(where)).open(where, environment, identity, clock);
        store.requireEmpty();
        store.check();
        bind(where);
        identity.note(where.uri());
        return new RestoredBucket(store);
    }

    /** A bucket whose blobs are being restored. */
    public static final class RestoredBucket {
        private final BucketBlobStore store;

        private RestoredBucket(BucketBlobStore store) {
            this.store = store;
        }

        public PrimaryBlobs blobs() {
            return store;
        }

        /** Removes all that was restored. */
        public void undo() {
            store.clear();
        }
    }

    /** Makes a restored database another one than that which its backup was made of: that may go on with its bucket. */
    public static void renewIdentity(Database database) {
        new SqlStoreIdentity(database).renew();
    }

    /** The table whose rows tell a database from others. */
    public static String identityTable() {
        return SqlStoreIdentity.TABLE;
    }
}
