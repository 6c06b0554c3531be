package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteJournalStoreTest extends JournalStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("monitoring"));
    }
}
