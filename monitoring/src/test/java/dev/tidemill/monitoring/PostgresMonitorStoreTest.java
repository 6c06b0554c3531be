package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresMonitorStoreTest extends MonitorStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("monitoring"));
    }

    @Override
    Database empty() {
        return TestDatabase.postgres(List.of());
    }
}
