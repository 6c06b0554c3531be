package dev.tidemill.pipelines;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;

class SqlitePipelineEngineTest extends PipelineEngineContract {
    @Override
    Database open() {
        return TestDatabase.sqlite(List.of("platform", "pipelines"));
    }
}
