package dev.tidemill.registry;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresRegistrationsTest extends RegistrationsContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform", "artifacts", "registry"));
    }
}
