package dev.tidemill.registry;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteRegistrationsTest extends RegistrationsContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform", "artifacts", "registry"));
    }
}
