package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresBucketBlobCollectionTest extends BlobCollectionContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("artifacts"));
    }

    @Override
    PrimaryBlobs blobs() {
        return BucketStores.at(folder);
    }
}
