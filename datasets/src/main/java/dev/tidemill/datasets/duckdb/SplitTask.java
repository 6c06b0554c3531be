package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Writes the rows of a data set version, in order, to files of so many rows each, a JSON array a row. */
public final class SplitTask implements ChildTask {
    @Override
    public String name() {
        return "datasets.split";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        Path folder = Path.of(request.path("folder").asText());
        int most = request.path("rows").asInt();
        var source = new ArrayList<Path>();
        request.path("source").forEach(path -> source.add(Path.of(path.asText())));
        ObjectNode answer = Json.object();
        try (DuckDb db = new DuckDb()) {
            db.confineTo(source);
            db.execute("CREATE VIEW source AS SELECT * FROM read_parquet(" + DuckDb.fileList(request.path("source"))
                    + ")");
            List<DuckDb.ResultColumn> columns = db.describe("source");
            var told = answer.putArray("columns");
            columns.forEach(column -> told.addObject()
                    .put("name", column.name())
                    .put("type", column.type().name()));
            try (Statement statement = db.connection().createStatement();
                    ResultSet rows = statement.executeQuery("SELECT * FROM source")) {
                answer.put("count", write(rows, columns, most, folder));
            }
        }
        return answer;
    }

    private static long write(ResultSet rows, List<DuckDb.ResultColumn> columns, int most, Path folder)
            throws SQLException, IOException {
        long count = 0;
        boolean more = rows.next();
        for (int part = 0; more; part++) {
            Path file = folder.resolve("rows-%06d.json".formatted(part));
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
                    JsonGenerator json = Json.objectMapper().createGenerator(out)) {
                for (int i = 0; i < most && more; i++) {
                    json.writeStartArray();
                    for (int column = 1; column <= columns.size(); column++) {
                        DuckDb.write(json, rows.getObject(column));
                    }
                    json.writeEndArray();
                    count++;
                    more = rows.next();
                }
            }
        }
        return count;
    }
}
