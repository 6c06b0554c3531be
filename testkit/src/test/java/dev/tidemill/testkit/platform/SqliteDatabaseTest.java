package dev.tidemill.testkit.platform;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteDatabaseTest extends DatabaseContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform"));
    }
}
