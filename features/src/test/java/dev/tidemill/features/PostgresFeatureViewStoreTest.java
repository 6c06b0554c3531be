package dev.tidemill.features;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresFeatureViewStoreTest extends FeatureViewStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("features"));
    }
}
