package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SilentReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildQueryEngineTest {
    private static final ChildTask.Report NOBODY = new SilentReport();

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

    /** Raw rows as they come in: of some columns nothing is known, and the label is not there yet. */
    @Test
    void columnsOfWhichNothingIsKnownAreMissingValues() throws Exception {
        for (String mapping : List.of(
                "SELECT * FROM source",
                "SELECT age, visits, upper(plan) AS plan, churned = 'yes' AS churned FROM source")) {
            ObjectNode request = Json.object()
                    .put("mapping", mapping)
                    .put("sql", "SELECT age + 1 AS next, visits, note, churned FROM source");
            for (var column : Map.of("age", "LONG", "visits", "DOUBLE", "note", "TEXT", "churned", "TEXT")
                    .entrySet()) {
                request.withArray("columns")
                        .addObject()
                        .put("name", column.getKey())
                        .put("type", column.getValue());
            }
            var row = new HashMap<String, Object>();
            row.put("age", "41");
            row.put("plan", null);
            row.put("visits", null);
            row.put("churned", null);
            request.set("rows", ChildQueryEngine.withNulls(List.of(row, row)));
            var answer = new ComputeTask().run(request, NOBODY);
            assertThat(answer).hasSize(2);
            for (var computed : answer) {
                assertThat(computed.path("next").asInt()).isEqualTo(42);
                for (String empty : List.of("visits", "note", "churned")) {
                    assertThat(computed.path(empty).isNull() || !computed.has(empty))
                            .as(mapping + ": " + empty)
                            .isTrue();
                }
            }
        }
    }
}
