package dev.tidemill.identity;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class SqliteProjectsTest extends ProjectsContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(DOMAINS);
    }
}
