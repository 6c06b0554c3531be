package dev.tidemill.tracking;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresRunStoreTest extends RunStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform", "tracking"));
    }
}
