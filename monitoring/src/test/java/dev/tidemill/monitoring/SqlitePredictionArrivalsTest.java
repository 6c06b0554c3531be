package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class SqlitePredictionArrivalsTest extends PredictionArrivalsContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(DOMAINS);
    }
}
