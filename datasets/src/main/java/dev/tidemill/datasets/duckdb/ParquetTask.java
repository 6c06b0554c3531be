package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.platform.children.ChildTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Makes Parquet of newline-delimited JSON that we wrote ourselves; a last line that was cut off is left out. */
public final class ParquetTask implements ChildTask {
    @Override
    public String name() {
        return "datasets.parquet";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        Path source = Path.of(request.path("source").asText());
        Path target = Path.of(request.path("target").asText());
        var types = new ArrayList<String>();
        request.path("columns")
                .forEach(column -> types.add(DuckDb.identifier(
                                column.path("name").asText())
                        + ": '"
                        + ColumnType.valueOf(column.path("type").asText()).sql() + "'"));
        try (DuckDb db = new DuckDb()) {
            db.confineTo(List.of(source, target));
            db.execute("CREATE VIEW lines AS SELECT * FROM read_json(" + DuckDb.literal(source.toString())
                    + ", format = 'newline_delimited', ignore_errors = true, maximum_object_size = 67108864, columns = {"
                    + String.join(", ", types) + "})");
            return ParquetFiles.write(db, "lines", "", target);
        }
    }
}
