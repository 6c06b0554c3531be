package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteMonitorStoreTest extends MonitorStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("monitoring"));
    }

    @Override
    Database empty() {
        return TestDatabase.sqlite(List.of());
    }
}
