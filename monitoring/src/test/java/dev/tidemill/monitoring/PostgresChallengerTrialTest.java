package dev.tidemill.monitoring;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;

class PostgresChallengerTrialTest extends ChallengerTrialContract {
    @Override
    Database open() {
        return TestDatabase.postgres(DOMAINS);
    }
}
