package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import java.nio.file.Path;
import java.time.Clock;
import software.amazon.awssdk.services.s3.S3Client;

/** Stores on {@link Moto}. */
final class BucketStores {
    static final long BOUND = 10L << 20;

    private BucketStores() {}

    /** The one whose copies are in a folder, which has a part of the bucket of its own. */
    static BucketBlobStore at(Path folder) {
        return at(folder, Moto.client());
    }

    static BucketBlobStore at(Path folder, S3Client client) {
        return new BucketBlobStore(
                () -> client,
                place(folder),
                new BlobCache(new FolderBlobStore(folder), BOUND, Clock.systemUTC()),
                () -> "database",
                "one",
                Clock.systemUTC());
    }

    static String place(Path folder) {
        return "s3://" + Moto.BUCKET + "/" + prefix(folder);
    }

    static String prefix(Path folder) {
        return "blobs-of/" + folder.getFileName();
    }
}
