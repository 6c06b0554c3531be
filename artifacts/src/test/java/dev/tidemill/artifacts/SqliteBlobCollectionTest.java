package dev.tidemill.artifacts;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteBlobCollectionTest extends BlobCollectionContract {
    @Override
    Database open(List<String> domains) {
        return TestDatabase.sqlite(domains);
    }
}
