package dev.tidemill.datasets;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresDataSetStoreTest extends DataSetStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("datasets"));
    }
}
