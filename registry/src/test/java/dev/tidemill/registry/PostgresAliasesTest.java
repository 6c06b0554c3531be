package dev.tidemill.registry;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class PostgresAliasesTest extends AliasesContract {
    @Override
    Database open() {
        return TestDatabase.postgres(DOMAINS);
    }
}
