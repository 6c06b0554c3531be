package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildQueryEngineTest {
    private static final ChildTask.Report NOBODY = new ChildTask.Report() {
        @Override
        public void log(String line) {}

        @Override
        public void metric(String key, long step, double value) {}

        @Override
        public void progress(long done, long total) {}
    };

    @Test
    void whatATaskWithoutASummaryAnswersIsRead(@TempDir Path directory) throws Exception {
        Path lines = Files.writeString(directory.resolve("lines.json"), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
        Path target = directory.resolve("target.parquet");
        ObjectNode request = Json.object().put("source", lines.toString()).put("target", target.toString());
        request.withArray("columns").addObject().put("name", "id").put("type", "TEXT");
        QueryEngine.Written written = ChildQueryEngine.written(new ParquetTask().run(request, NOBODY));
        assertThat(written.rows()).isEqualTo(2);
        assertThat(written.bytes()).isEqualTo(Files.size(target));
        assertThat(written.summary()).isEmpty();
    }
}
