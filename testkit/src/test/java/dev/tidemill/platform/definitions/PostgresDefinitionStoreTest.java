package dev.tidemill.platform.definitions;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresDefinitionStoreTest extends DefinitionStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform"));
    }
}
