package dev.tidemill.tracking;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteEvaluationStoreTest extends EvaluationStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform", "tracking"));
    }
}
