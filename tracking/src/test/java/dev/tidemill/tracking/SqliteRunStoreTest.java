package dev.tidemill.tracking;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteRunStoreTest extends RunStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform", "tracking"));
    }
}
