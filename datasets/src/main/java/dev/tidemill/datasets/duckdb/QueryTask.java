package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Runs a user's query over a data set version and writes the result. */
public final class QueryTask implements ChildTask {
    @Override
    public String name() {
        return "datasets.query";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        Path target = Path.of(request.path("target").asText());
        var allowed = new ArrayList<>(List.of(target));
        request.path("source").forEach(path -> allowed.add(Path.of(path.asText())));
        JsonNode extra = request.path("extra");
        if (extra.isTextual()) {
            allowed.add(Path.of(extra.asText()));
        }
        try (DuckDb db = new DuckDb()) {
            db.confineTo(allowed);
            db.execute("CREATE VIEW source AS SELECT * FROM read_parquet(" + DuckDb.fileList(request.path("source"))
                    + ")");
            db.make("CREATE TABLE result AS", request.path("sql").asText(), "The query");
            if (extra.isTextual()) {
                ServedRows.append(db, extra.asText(), report);
            }
            filter(db, request);
            String order = request.path("time").isTextual()
                    ? " ORDER BY " + DuckDb.identifier(request.path("time").asText())
                    : "";
            long rows = db.count("SELECT COUNT(*) FROM result");
            if (rows == 0) {
                throw new TidemillException(ErrorCode.CHECK_FAILED, "The query gave no rows in the window asked for");
            }
            ObjectNode written = ParquetFiles.write(db, "result", order, target);
            written.set("summary", Summaries.of(db, "result"));
            report.log(rows + " rows written");
            return written;
        }
    }

    private static void filter(DuckDb db, JsonNode request) throws SQLException {
        if (!request.path("time").isTextual()) {
            return;
        }
        String time = DuckDb.identifier(request.path("time").asText());
        if (request.path("from").isTextual()) {
            db.execute("DELETE FROM result WHERE " + time + " < " + timestamp(request.path("from")));
        }
        if (request.path("until").isTextual()) {
            db.execute("DELETE FROM result WHERE " + time + " >= " + timestamp(request.path("until")));
        }
    }

    private static String timestamp(JsonNode instant) {
        return "TIMESTAMP "
                + DuckDb.literal(
                        java.time.Instant.parse(instant.asText()).toString().replace("Z", ""));
    }
}
