package dev.tidemill.features;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteFeatureViewStoreTest extends FeatureViewStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("features"));
    }
}
