package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresJournalStoreTest extends JournalStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("monitoring"));
    }
}
