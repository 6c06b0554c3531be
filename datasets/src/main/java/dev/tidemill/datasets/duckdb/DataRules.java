package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Holds the rows of a file that is imported, which are in the table {@code mapped} in their order, to the data set's rules. */
final class DataRules {
    /** Rows that are named for each rule that is broken. */
    private static final int NAMED = 3;

    private static final int SHOWN_LETTERS = 80;
    /** Further from 0 than every whole number of 64 bits. */
    private static final BigDecimal BEYOND = BigDecimal.TWO.pow(64);

    private final DuckDb db;
    private final List<String> problems = new ArrayList<>();

    private DataRules(DuckDb db) {
        this.db = db;
    }

    /**
     * Looks at every row.
     *
     * @throws TidemillException {@code CHECK_FAILED} with the first rows that break each rule, {@code INVALID_DEFINITION} if a rule says
     *     nothing about its column's type
     */
    static void check(DuckDb db, DataSet dataSet) throws SQLException {
        var rules = new DataRules(db);
        for (Column column : dataSet.columns()) {
            rules.check(column);
        }
        if (!dataSet.key().isEmpty()) {
            rules.checkKey(dataSet.key());
        }
        if (!rules.problems.isEmpty()) {
            throw new TidemillException(
                            ErrorCode.CHECK_FAILED, "The data fails its checks: " + String.join("; ", rules.problems))
                    .remedy("Mend the file, or the rules in the data set's definition");
        }
    }

    private void check(Column column) throws SQLException {
        // Definitions are asked when they are applied; this one may have been before they were.
        column.obstacle().ifPresent(obstacle -> {
            throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION, "Column '" + column.name() + "': " + obstacle.why())
                    .at(column.name())
                    .remedy("Mend '" + obstacle.rule() + "' in the data set's definition and apply it again");
        });
        String id = DuckDb.identifier(column.name());
        String name = "'" + column.name() + "'";
        if (column.required()) {
            require(id, id + " IS NULL", name + " is missing");
        }
        if (column.least().isPresent()) {
            BigDecimal least = column.least().get();
            require(
                    id,
                    id + " < " + limit(column.type(), least, RoundingMode.CEILING),
                    name + " is below " + Column.shown(least));
        }
        if (column.most().isPresent()) {
            BigDecimal most = column.most().get();
            require(
                    id,
                    id + " > " + limit(column.type(), most, RoundingMode.FLOOR),
                    name + " is above " + Column.shown(most));
        }
        if (!column.values().isEmpty()) {
            var allowed = column.values().stream().map(DuckDb::literal).toList();
            require(id, id + " NOT IN (" + String.join(", ", allowed) + ")", name + " is none of " + column.values());
        }
    }

    /**
     * SQL of a limit that values of the type are compared with exactly: a double with the nearest double, which is what a value that is
     * written as the limit is has become; a whole number with the next whole number that the limit allows, in more bits than it has.
     */
    private static String limit(ColumnType type, BigDecimal limit, RoundingMode inwards) {
        return type == ColumnType.LONG
                ? "CAST('"
                        + limit.max(BEYOND.negate())
                                .min(BEYOND)
                                .setScale(0, inwards)
                                .toPlainString() + "' AS HUGEINT)"
                : "CAST('" + limit.doubleValue() + "' AS DOUBLE)";
    }

    private void require(String id, String broken, String what) throws SQLException {
        long rows = db.count("SELECT COUNT(*) FROM mapped WHERE " + broken);
        if (rows == 0) {
            return;
        }
        var first = new ArrayList<String>();
        for (ObjectNode row : db.rows("SELECT rowid + 2 AS line, CAST(" + id + " AS VARCHAR) AS v FROM mapped WHERE "
                + broken + " ORDER BY rowid LIMIT " + NAMED)) {
            first.add("row " + row.path("line").asLong()
                    + (row.path("v").isTextual() ? ": " + shown(row.path("v")) : ""));
        }
        problems.add("in " + counted(rows) + " " + what + named(first, rows));
    }

    private void checkKey(List<String> key) throws SQLException {
        String columns = String.join(", ", key.stream().map(DuckDb::identifier).toList());
        long rows = db.count(
                "SELECT COUNT(*) - (SELECT COUNT(*) FROM (SELECT DISTINCT " + columns + " FROM mapped)) FROM mapped");
        if (rows == 0) {
            return;
        }
        var values = new ArrayList<String>();
        for (int i = 0; i < key.size(); i++) {
            values.add("CAST(" + DuckDb.identifier(key.get(i)) + " AS VARCHAR) AS v" + i);
        }
        var first = new ArrayList<String>();
        for (ObjectNode row : db.rows("SELECT line + 2 AS line, earliest + 2 AS earliest, "
                + String.join(
                        ", ",
                        values.stream()
                                .map(value -> value.substring(value.lastIndexOf(' ') + 1))
                                .toList())
                + " FROM (SELECT rowid AS line, MIN(rowid) OVER (PARTITION BY " + columns + ") AS earliest, "
                + String.join(", ", values) + " FROM mapped) WHERE line > earliest ORDER BY line LIMIT " + NAMED)) {
            var shown = new ArrayList<String>();
            for (int i = 0; i < key.size(); i++) {
                shown.add(shown(row.path("v" + i)));
            }
            first.add("row " + row.path("line").asLong() + ": " + String.join(", ", shown) + " as row "
                    + row.path("earliest").asLong());
        }
        problems.add(counted(rows) + (rows == 1 ? " repeats" : " repeat") + " the key " + key + named(first, rows));
    }

    private static String counted(long rows) {
        return rows == 1 ? "1 row" : rows + " rows";
    }

    private static String named(List<String> first, long rows) {
        return " (" + String.join("; ", first) + (rows > first.size() ? "; ..." : "") + ")";
    }

    private static String shown(JsonNode value) {
        return value.isTextual() ? "'" + StorableText.cut(value.asText(), SHOWN_LETTERS) + "'" : "nothing";
    }
}
