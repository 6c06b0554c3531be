package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;

/** The first rows of a data set version. */
public final class SampleTask implements ChildTask {
    @Override
    public String name() {
        return "datasets.sample";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        try (DuckDb db = new DuckDb()) {
            ArrayNode rows = Json.array();
            db.rows("SELECT * FROM read_parquet(" + DuckDb.fileList(request.path("source")) + ") LIMIT "
                            + request.path("limit").asInt())
                    .forEach(rows::add);
            return rows;
        }
    }
}
