package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class PostgresObstaclesTest extends ObstaclesContract {
    @Override
    Database open() {
        return TestDatabase.postgres(DOMAINS);
    }
}
