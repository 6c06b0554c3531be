package dev.tidemill.datasets;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteDataSetStoreTest extends DataSetStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("datasets"));
    }
}
