package dev.tidemill.deployments;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresDeploymentStoreTest extends DeploymentStoreContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("deployments"));
    }
}
