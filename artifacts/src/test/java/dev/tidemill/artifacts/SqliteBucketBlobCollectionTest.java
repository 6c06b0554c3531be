package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteBucketBlobCollectionTest extends BlobCollectionContract {
    @Override
    Database open(List<String> domains) {
        return TestDatabase.sqlite(domains);
    }

    @Override
    PrimaryBlobs blobs() {
        return BucketStores.at(folder);
    }
}
