package dev.tidemill.platform.events;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresWebhookStoreTest extends WebhookStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform"));
    }
}
