package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.platform.children.ChildTask;
import java.nio.file.Path;
import java.util.ArrayList;

/** Writes the rows of a data set version with columns added, which lie row by row in a file of newline-delimited JSON. */
public final class AttachTask implements ChildTask {
    @Override
    public String name() {
        return "datasets.attach";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        Path target = Path.of(request.path("target").asText());
        var allowed = new ArrayList<>(java.util.List.of(target));
        request.path("source").forEach(path -> allowed.add(Path.of(path.asText())));
        String values = request.path("values").asText();
        allowed.add(Path.of(values));
        var types = new ArrayList<String>();
        request.path("added")
                .forEach(column -> types.add(DuckDb.identifier(
                                column.path("name").asText())
                        + ": '"
                        + ColumnType.valueOf(column.path("type").asText()).sql() + "'"));
        try (DuckDb db = new DuckDb()) {
            db.confineTo(allowed);
            db.execute("CREATE VIEW scored AS SELECT * FROM read_parquet(" + DuckDb.fileList(request.path("source"))
                    + ") POSITIONAL JOIN read_json(" + DuckDb.literal(values)
                    + ", format = 'newline_delimited', columns = {" + String.join(", ", types) + "})");
            ObjectNode written = ParquetFiles.write(db, "scored", "", target);
            written.set("summary", Summaries.of(db, "scored"));
            report.log(written.path("rows") + " rows written");
            return written;
        }
    }
}
