package dev.tidemill.pipelines;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class PostgresPipelineEngineTest extends PipelineEngineContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform", "pipelines"));
    }
}
