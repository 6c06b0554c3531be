package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Computes a query over a few rows given in the request, with the database and its views kept between requests, so that the
 * features of one event cost a millisecond.
 */
public final class ComputeTask implements ChildTask {
    private static final int KEPT = 16;

    /** One prepared query: a table to fill and a view to read. */
    private record Prepared(DuckDb db, List<String> input, String insert) {}

    private final Map<String, Prepared> prepared = new LinkedHashMap<>(16, 0.75f, true);

    @Override
    public String name() {
        return "datasets.compute";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        if (request.path("describe").asBoolean()) {
            return describe(request);
        }
        JsonNode rows = request.path("rows");
        String key = request.path("sql").asText() + "\n" + request.path("mapping") + "\n" + request.path("columns")
                + "\n" + (request.path("mapping").isTextual() ? names(rows) : "");
        Prepared query = prepared.get(key);
        if (query == null) {
            query = prepare(request, rows);
            prepared.put(key, query);
            evict();
        }
        try {
            fill(query, rows);
            ArrayNode result = Json.array();
            query.db().rows("SELECT * FROM computed").forEach(result::add);
            return result;
        } catch (SQLException e) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA,
                            "The rows cannot be computed: "
                                    + DuckDb.firstLines(e).replace("Invalid Input Error: ", ""))
                    .causedBy(e);
        }
    }

    /** Columns of the result of a query that works row by row; any other is refused. */
    private static JsonNode describe(JsonNode request) throws SQLException {
        Prepared query = prepare(request, Json.array());
        try (DuckDb db = query.db()) {
            RowByRow.require(db, request.path("sql").asText(), "The query", query.input());
            ArrayNode columns = Json.array();
            db.describe("computed").forEach(column -> columns.add(column.name()));
            return columns;
        }
    }

    private void evict() throws SQLException {
        if (prepared.size() > KEPT) {
            var eldest = prepared.entrySet().iterator();
            eldest.next().getValue().db().close();
            eldest.remove();
        }
    }

    private static Set<String> names(JsonNode rows) {
        var names = new LinkedHashSet<String>();
        rows.forEach(row -> row.fieldNames().forEachRemaining(names::add));
        return names;
    }

    @SuppressWarnings("resource") // kept open between requests, closed when evicted
    private static Prepared prepare(JsonNode request, JsonNode rows) throws SQLException {
        var db = new DuckDb();
        db.confineTo(List.of());
        var input = new ArrayList<String>();
        boolean mapped = request.path("mapping").isTextual();
        if (mapped) {
            input.addAll(names(rows));
            create(db, "source_raw", input);
            // Both statements read FROM source: the mapping the raw rows, the query the mapped ones.
            db.requireOneQuery(request.path("mapping").asText(), "The mapping SQL");
            db.executeUsers(
                    "CREATE VIEW mapped AS WITH source AS (SELECT * FROM source_raw) SELECT * FROM ("
                            + request.path("mapping").asText() + ")",
                    "The mapping SQL");
            var found = db.describe("mapped").stream()
                    .map(DuckDb.ResultColumn::name)
                    .map(name -> name.toLowerCase(Locale.ROOT))
                    .toList();
            var select = new ArrayList<String>();
            request.path("columns").forEach(column -> {
                String name = column.path("name").asText();
                // What a row does not bring, such as a label that is not known yet, is a missing value.
                boolean brought = found.contains(name.toLowerCase(Locale.ROOT));
                ColumnType type = ColumnType.valueOf(column.path("type").asText());
                select.add((brought
                                ? value("CAST(" + DuckDb.identifier(name) + " AS VARCHAR)", name, type)
                                : "CAST(NULL AS " + type.sql() + ")")
                        + " AS " + DuckDb.identifier(name));
            });
            db.execute("CREATE VIEW source AS SELECT " + String.join(", ", select) + " FROM mapped");
        } else {
            var select = new ArrayList<String>();
            request.path("columns").forEach(column -> {
                String name = column.path("name").asText();
                input.add(name);
                select.add(value(
                                DuckDb.identifier(name),
                                name,
                                ColumnType.valueOf(column.path("type").asText()))
                        + " AS " + DuckDb.identifier(name));
            });
            create(db, "source_raw", input);
            db.execute("CREATE VIEW source AS SELECT " + String.join(", ", select) + " FROM source_raw");
        }
        db.make("CREATE VIEW computed AS", request.path("sql").asText(), "The query");
        var marks = String.join(", ", input.stream().map(name -> "?").toList());
        return new Prepared(db, input, "INSERT INTO source_raw VALUES (" + marks + ")");
    }

    /** As import converts, but that times finer than a microsecond, as clocks of callers give them, are cut. */
    private static String value(String text, String column, ColumnType type) {
        return Conversions.strictButCut(text, column, type);
    }

    private static void create(DuckDb db, String table, List<String> names) throws SQLException {
        var columns =
                names.stream().map(name -> DuckDb.identifier(name) + " VARCHAR").toList();
        db.execute("CREATE TABLE " + table + " (" + String.join(", ", columns) + ")");
    }

    private static void fill(Prepared query, JsonNode rows) throws SQLException {
        query.db().execute("DELETE FROM source_raw");
        try (PreparedStatement insert = query.db().connection().prepareStatement(query.insert())) {
            for (JsonNode row : rows) {
                for (int i = 0; i < query.input().size(); i++) {
                    JsonNode value = row.get(query.input().get(i));
                    insert.setObject(i + 1, value == null || value.isNull() ? null : text(value));
                }
                insert.executeUpdate();
            }
        }
    }

    /** Times end in Z on the wire; DuckDB's timestamps carry no zone. */
    private static String text(JsonNode value) {
        String text = value.asText();
        return text.matches("\\d{4}-\\d\\d-\\d\\dT.*Z") ? text.substring(0, text.length() - 1) : text;
    }
}
