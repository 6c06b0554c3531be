package dev.tidemill.testkit.platform;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresDatabaseTest extends DatabaseContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform"));
    }
}
