package dev.tidemill.identity;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteIdentityStoreTest extends IdentityStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform", "identity"));
    }
}
