package dev.tidemill.artifacts;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteFileStoreTest extends FileStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("artifacts"));
    }
}
