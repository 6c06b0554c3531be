package dev.tidemill.artifacts;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresBlobCollectionTest extends BlobCollectionContract {
    @Override
    Database open(List<String> domains) {
        return TestDatabase.postgres(domains);
    }
}
