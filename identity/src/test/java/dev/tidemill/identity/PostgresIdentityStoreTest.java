package dev.tidemill.identity;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class PostgresIdentityStoreTest extends IdentityStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(DOMAINS);
    }
}
