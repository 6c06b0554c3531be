package dev.tidemill.deployments;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqliteDeploymentStoreTest extends DeploymentStoreContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("deployments"));
    }
}
