package dev.tidemill.identity;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresIdentityStoreTest extends IdentityStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform", "identity"));
    }
}
