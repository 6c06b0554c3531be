package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Holds a query to giving exactly one row for each row of {@code source}, computed from that row alone: then the same row is the
 * same whether it comes alone, beside others or in a whole data set, today or in a year. Works on the engine's own parse tree
 * ({@code json_serialize_sql}) and its catalogue of functions; what is not known to work row by row is refused.
 */
final class RowByRow {
    private static final String SOURCE = "source";
    private static final Map<String, String> MODIFIERS = Map.of(
            "DISTINCT_MODIFIER", "DISTINCT",
            "ORDER_MODIFIER", "ORDER BY",
            "LIMIT_MODIFIER", "LIMIT or OFFSET",
            "LIMIT_PERCENT_MODIFIER", "LIMIT");
    private static final Map<String, String> CLAUSES =
            Map.of("where_clause", "WHERE", "having", "HAVING", "qualify", "QUALIFY", "sample", "SAMPLE");
    /** What stands for a function without parentheses, where no column has that name. */
    private static final Set<String> VALUES = Set.of(
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "current_user",
            "current_role",
            "current_catalog",
            "current_schema",
            "session_user",
            "user");
    /** Give a row for each element. */
    private static final Set<String> MANY_ROWS =
            Set.of("unnest", "unlist", "generate_subscripts", "regexp_split_to_table");

    private final DuckDb db;
    private final String what;
    private final Set<String> columns;
    private final Set<String> macros = new HashSet<>();

    private RowByRow(DuckDb db, String what, Set<String> columns) {
        this.db = db;
        this.what = what;
        this.columns = columns;
    }

    /**
     * Checks one query.
     *
     * @param columns names of the columns of {@code source}
     * @throws TidemillException {@code INVALID_DEFINITION} that names what works on more than one row, or on something else than
     *     the row
     */
    static void require(DuckDb db, String query, String what, List<String> columns) throws SQLException {
        var lowerCase = new HashSet<String>();
        columns.forEach(column -> lowerCase.add(column.toLowerCase(Locale.ROOT)));
        var check = new RowByRow(db, what, lowerCase);
        check.node(db.parse(query, what).path("statements").path(0).path("node"), Set.of(SOURCE));
    }

    private void node(JsonNode node, Set<String> relations) throws SQLException {
        if (!node.path("type").asText().equals("SELECT_NODE")) {
            throw refusal(
                    node.path("type").asText().equals("SET_OPERATION_NODE")
                            ? node.path("setop_type").asText("UNION").replaceAll("_.*", "") + " of queries"
                            : node.path("type").asText().replace("_NODE", "").replace('_', ' '));
        }
        for (JsonNode modifier : node.path("modifiers")) {
            String type = modifier.path("type").asText();
            throw refusal(MODIFIERS.getOrDefault(type, type));
        }
        for (var clause : CLAUSES.entrySet()) {
            if (!node.path(clause.getKey()).isNull()
                    && !node.path(clause.getKey()).isMissingNode()) {
                throw refusal(clause.getValue());
            }
        }
        if (!node.path("group_expressions").isEmpty()
                || !node.path("group_sets").isEmpty()
                || !node.path("aggregate_handling").asText("STANDARD_HANDLING").equals("STANDARD_HANDLING")) {
            throw refusal("GROUP BY");
        }
        var known = new HashSet<>(relations);
        for (JsonNode table : node.path("cte_map").path("map")) {
            JsonNode value = table.path("value");
            JsonNode query = value.has("query_node")
                    ? value.path("query_node")
                    : value.path("query").path("node");
            node(query, known);
            known.add(table.path("key").asText().toLowerCase(Locale.ROOT));
        }
        from(node.path("from_table"), known);
        expressions(node.path("select_list"));
    }

    private void from(JsonNode table, Set<String> relations) throws SQLException {
        switch (table.path("type").asText()) {
            case "BASE_TABLE" -> {
                String name = table.path("table_name").asText().toLowerCase(Locale.ROOT);
                if (!relations.contains(name)
                        || !table.path("schema_name").asText().isEmpty()) {
                    throw refusal("FROM " + table.path("table_name").asText());
                }
                if (!table.path("sample").isNull()) {
                    throw refusal("TABLESAMPLE");
                }
            }
            case "SUBQUERY" -> {
                if (!table.path("sample").isNull()) {
                    throw refusal("TABLESAMPLE");
                }
                node(table.path("subquery").path("node"), relations);
            }
            case "EMPTY" -> throw refusal("a SELECT without FROM source");
            case "JOIN" -> throw refusal("JOIN (or a comma in FROM)");
            case "TABLE_FUNCTION" ->
                throw refusal("the table function "
                        + table.path("function").path("function_name").asText() + "()");
            case "EXPRESSION_LIST" -> throw refusal("VALUES");
            default -> throw refusal(table.path("type").asText().replace('_', ' '));
        }
    }

    /** Walks everything that an expression holds. */
    private void expressions(JsonNode node) throws SQLException {
        switch (node.path("class").asText()) {
            case "WINDOW" ->
                throw refusal(
                        "the window function " + node.path("function_name").asText() + "() OVER");
            case "SUBQUERY" -> throw refusal("a subquery in an expression");
            case "FUNCTION" -> function(node.path("function_name").asText().toLowerCase(Locale.ROOT), node);
            case "COLUMN_REF" -> {
                String name = node.path("column_names").path(0).asText().toLowerCase(Locale.ROOT);
                if (node.path("column_names").size() == 1 && VALUES.contains(name) && !columns.contains(name)) {
                    throw refusal(name + ", which changes from one call to the next");
                }
            }
            default -> {}
        }
        for (JsonNode child : node) {
            if (child.isContainerNode()) {
                expressions(child);
            }
        }
    }

    private void function(String name, JsonNode call) throws SQLException {
        if (MANY_ROWS.contains(name)) {
            throw refusal(name + "(), which makes many rows of one");
        }
        for (JsonNode form : forms(name)) {
            switch (form.path("type").asText()) {
                case "aggregate" -> throw refusal("the aggregate function " + name + "()");
                case "macro" -> {
                    if (macros.add(name)) {
                        expressions(db.parse("SELECT " + form.path("macro").asText(), what)
                                .path("statements")
                                .path(0)
                                .path("node")
                                .path("select_list"));
                    }
                }
                default -> {
                    if (!form.path("stability").asText("CONSISTENT").equals("CONSISTENT")) {
                        throw refusal(name + "(), which changes from one call to the next");
                    }
                }
            }
        }
        // With one argument it counts from today.
        if (name.equals("age") && call.path("arguments").size() == 1) {
            throw refusal("age() of one argument, which changes from one day to the next");
        }
    }

    private ArrayNode forms(String name) throws SQLException {
        try (PreparedStatement asking = db.connection()
                .prepareStatement("SELECT DISTINCT function_type, stability, macro_definition FROM duckdb_functions()"
                        + " WHERE lower(function_name) = ? AND function_type IN ('aggregate', 'scalar', 'macro')")) {
            asking.setString(1, name);
            ArrayNode forms = Json.array();
            try (ResultSet row = asking.executeQuery()) {
                while (row.next()) {
                    forms.addObject()
                            .put("type", row.getString(1))
                            .put(
                                    "stability",
                                    Optional.ofNullable(row.getString(2)).orElse("CONSISTENT"))
                            .put("macro", row.getString(3));
                }
            }
            return forms;
        }
    }

    private TidemillException refusal(String construct) {
        return new TidemillException(
                        ErrorCode.INVALID_DEFINITION,
                        what + " does not work row by row: it has " + construct
                                + ". It must give one row for each row of 'source', computed from that row alone, so that"
                                + " features are the same in training and in serving")
                .remedy(
                        "Filter, join, sort and sum up rows before: in the data, or in the 'sql' of the data set's source");
    }
}
