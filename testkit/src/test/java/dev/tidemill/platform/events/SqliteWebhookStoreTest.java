package dev.tidemill.platform.events;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteWebhookStoreTest extends WebhookStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform"));
    }
}
