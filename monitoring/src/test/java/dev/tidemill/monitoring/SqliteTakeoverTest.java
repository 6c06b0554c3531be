package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class SqliteTakeoverTest extends TakeoverContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(DOMAINS);
    }
}
