package dev.tidemill.tracking;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresTraceStoreTest extends TraceStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform", "artifacts", "tracking"));
    }
}
