package dev.tidemill.registry;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class SqliteTrustTest extends TrustContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(DOMAINS);
    }
}
