package dev.tidemill.training.xgboost;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.training.domain.MissingColumn;
import dev.tidemill.trees.InputColumn;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a data set version in memory, in event-time order.
 *
 * @param names of the columns, in order
 * @param text whether a column holds text
 * @param truths columns of which true is 1 and false 0
 * @param wholes columns of whole numbers some of which no double holds as they are
 * @param dates columns of dates and times beside the event time, which are not among the names
 * @param times event time of each row; empty without a time column
 * @param all columns of the data, in order
 */
record Table(
        List<String> names,
        List<Boolean> text,
        Set<String> truths,
        Set<String> wholes,
        List<String> dates,
        List<List<@Nullable Object>> rows,
        List<Instant> times,
        List<String> all) {
    private static final int MOST_CATEGORIES = 1000;
    private static final long LARGEST_EXACT = 1L << 53;

    /**
     * Reads Parquet files.
     *
     * @param time column to order by and to leave out of the features; empty for none
     */
    static Table read(JsonNode files, String time) throws SQLException {
        var paths = new ArrayList<String>();
        files.forEach(file -> paths.add("'" + file.asText().replace("'", "''") + "'"));
        String order = time.isEmpty() ? "" : " ORDER BY \"" + time.replace("\"", "\"\"") + '"';
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            statement.execute("SET threads = 1");
            String rows = "SELECT * FROM read_parquet([" + String.join(", ", paths) + "])";
            if (!time.isEmpty()) {
                requireTime(statement, rows, time);
            }
            try (ResultSet result = statement.executeQuery(rows + order)) {
                return read(result, time);
            }
        }
    }

    private static void requireTime(Statement statement, String rows, String time) throws SQLException {
        try (ResultSet none = statement.executeQuery(rows + " LIMIT 0")) {
            ResultSetMetaData meta = none.getMetaData();
            var columns = new ArrayList<String>();
            for (int i = 1; i <= meta.getColumnCount(); i++) {
                columns.add(meta.getColumnLabel(i));
            }
            int position = columns.indexOf(time) + 1;
            if (position == 0) {
                throw MissingColumn.of(ErrorCode.INVALID_ARGUMENT, "time", time, columns);
            }
            if (!isDate(meta.getColumnTypeName(position))) {
                throw new TidemillException(
                                ErrorCode.INVALID_ARGUMENT,
                                "Column '" + time + "' is of type " + meta.getColumnTypeName(position)
                                        + ", so it cannot be the event time")
                        .at("time")
                        .remedy("Name a column of timestamps as 'time'");
            }
        }
    }

    private static boolean isDate(String type) {
        String upper = type.toUpperCase(Locale.ROOT);
        return upper.startsWith("TIMESTAMP") || upper.equals("DATE");
    }

    private static Table read(ResultSet result, String time) throws SQLException {
        ResultSetMetaData meta = result.getMetaData();
        var names = new ArrayList<String>();
        var text = new ArrayList<Boolean>();
        var truths = new TreeSet<String>();
        var wholes = new TreeSet<String>();
        var positions = new ArrayList<Integer>();
        int timePosition = 0;
        var dates = new ArrayList<String>();
        var all = new ArrayList<String>();
        for (int i = 1; i <= meta.getColumnCount(); i++) {
            String type = meta.getColumnTypeName(i).toUpperCase(Locale.ROOT);
            all.add(meta.getColumnLabel(i));
            if (meta.getColumnLabel(i).equals(time)) {
                timePosition = i;
            } else if (isDate(type)) {
                dates.add(meta.getColumnLabel(i));
            } else {
                names.add(meta.getColumnLabel(i));
                text.add(type.startsWith("VARCHAR"));
                if (type.equals("BOOLEAN")) {
                    truths.add(meta.getColumnLabel(i));
                }
                positions.add(i);
            }
        }
        List<List<@Nullable Object>> rows = new ArrayList<>();
        var times = new ArrayList<Instant>();
        while (result.next()) {
            List<@Nullable Object> row = new ArrayList<>(positions.size());
            for (int position : positions) {
                Object value = result.getObject(position);
                if (value instanceof Long whole && (whole > LARGEST_EXACT || whole < -LARGEST_EXACT)) {
                    wholes.add(meta.getColumnLabel(position));
                }
                row.add(plain(value));
            }
            rows.add(row);
            if (timePosition > 0) {
                times.add(result.getTimestamp(timePosition).toLocalDateTime().toInstant(ZoneOffset.UTC));
            }
        }
        return new Table(names, text, truths, wholes, dates, rows, times, all);
    }

    private static @Nullable Object plain(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag ? 1.0 : 0.0;
        }
        return value instanceof Number number ? (Object) number.doubleValue() : value;
    }

    int column(String name) {
        require("target", name);
        int index = names.indexOf(name);
        if (index < 0) {
            throw new TidemillException(
                            ErrorCode.INVALID_ARGUMENT,
                            "Column '" + name + "' holds dates or times, which cannot be a target")
                    .at("target")
                    .remedy("Name a column of numbers, texts or truths as 'target'");
        }
        return index;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} if the data has no column that an input of the step names */
    void require(String input, String name) {
        if (!all.contains(name)) {
            throw MissingColumn.of(ErrorCode.INVALID_ARGUMENT, input, name, all);
        }
    }

    boolean isMissingSomewhere(int column) {
        return rows.stream().anyMatch(row -> {
            Object value = row.get(column);
            return value == null || (value instanceof Double number && number.isNaN());
        });
    }

    /** Rows of an interval of positions. */
    Table slice(int from, int to) {
        return new Table(
                names,
                text,
                truths,
                wholes,
                dates,
                rows.subList(from, to),
                times.isEmpty() ? times : times.subList(from, to),
                all);
    }

    /** Position of the first row at or after the time. */
    int positionOf(Instant time) {
        int position = 0;
        while (position < times.size() && times.get(position).isBefore(time)) {
            position++;
        }
        return position;
    }

    /** The features with their categories as they occur in these rows. */
    List<InputColumn> inputs(Set<String> leaveOut) {
        var inputs = new ArrayList<InputColumn>();
        for (int i = 0; i < names.size(); i++) {
            if (leaveOut.contains(names.get(i))) {
                continue;
            }
            if (!text.get(i)) {
                inputs.add(InputColumn.numeric(names.get(i)));
                continue;
            }
            var values = new TreeSet<String>();
            for (List<@Nullable Object> row : rows) {
                Object value = row.get(i);
                if (value != null) {
                    values.add(String.valueOf(value));
                }
            }
            if (values.isEmpty()) {
                throw new TidemillException(
                                ErrorCode.INVALID_DATA,
                                "Column '" + names.get(i) + "' is a text that is missing in all of the " + rows.size()
                                        + " rows to train on, so a model can learn nothing from it")
                        .remedy("Leave it out with the step's input 'exclude: [" + names.get(i)
                                + "]', or give it values");
            }
            if (values.size() > MOST_CATEGORIES) {
                throw new TidemillException(
                                ErrorCode.INVALID_DATA,
                                "Column '" + names.get(i) + "' has " + values.size()
                                        + " different texts; a feature has at most " + MOST_CATEGORIES)
                        .remedy("Leave it out with the step's input 'exclude', or derive something coarser from it");
            }
            inputs.add(new InputColumn(names.get(i), List.copyOf(values)));
        }
        if (inputs.isEmpty()) {
            throw new TidemillException(ErrorCode.INVALID_DATA, "The data has no features beside its target");
        }
        return inputs;
    }

    /** One row by column. */
    Map<String, @Nullable Object> row(int position) {
        var map = new TreeMap<String, @Nullable Object>();
        for (int i = 0; i < names.size(); i++) {
            map.put(names.get(i), rows.get(position).get(i));
        }
        return map;
    }

    /** The class that a truth, which is 1 or 0 here, is to people. */
    static String truth(Object value) {
        return String.valueOf(value.equals(1.0));
    }

    /** The classes of a target, in order; false before true. */
    List<String> classes(int column) {
        return rows.stream()
                .map(row -> row.get(column))
                .filter(java.util.Objects::nonNull)
                .map(value -> truths.contains(names.get(column)) ? truth(value) : String.valueOf(value))
                .collect(Collectors.toCollection(TreeSet::new))
                .stream()
                .toList();
    }
}
