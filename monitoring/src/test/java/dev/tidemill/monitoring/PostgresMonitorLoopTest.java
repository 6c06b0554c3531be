package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class PostgresMonitorLoopTest extends MonitorLoopContract {
    @Override
    Database open() {
        return TestDatabase.postgres(DOMAINS);
    }
}
