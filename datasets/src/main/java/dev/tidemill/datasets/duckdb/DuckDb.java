package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/** One in-memory DuckDB in this child process. Not thread-safe. */
final class DuckDb implements AutoCloseable {
    private final Connection connection;

    DuckDb() throws SQLException {
        var properties = new Properties();
        properties.setProperty("threads", "1"); // rows keep their order, so equal inputs give equal bytes
        properties.setProperty("memory_limit", "1GB");
        // Beside the child's other temporary files, which go with it; else in whatever folder the server was started
        // in.
        properties.setProperty(
                "temp_directory",
                Path.of(System.getProperty("java.io.tmpdir"), "duckdb").toString());
        properties.setProperty("max_temp_directory_size", "40GB");
        properties.setProperty("autoinstall_known_extensions", "false");
        properties.setProperty("autoload_known_extensions", "false");
        connection = DriverManager.getConnection("jdbc:duckdb:", properties);
        execute("SET TimeZone = 'UTC'");
        execute("SET preserve_insertion_order = true");
    }

    /** From here on SQL reaches only these files, and cannot change that. */
    void confineTo(List<Path> files) throws SQLException {
        var list = new ArrayList<String>();
        files.forEach(file -> list.add(literal(file.toString())));
        execute("SET allowed_paths = [" + String.join(", ", list) + "]");
        execute("SET enable_external_access = false");
        execute("SET lock_configuration = true");
    }

    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    Connection connection() {
        return connection;
    }

    /**
     * Makes a table or view of a query that a user wrote; what is wrong with it is refused with the engine's own words.
     *
     * @param making what stands before the query, such as {@code CREATE VIEW x AS}
     */
    void make(String making, String query, String what) {
        requireOneQuery(query, what);
        executeUsers(making + " " + query, what);
    }

    /** The engine's own parser says how many statements a text is, and that they only read. */
    void requireOneQuery(String query, String what) {
        parse(query, what);
    }

    /** The parse tree of one query, as {@code json_serialize_sql} gives it. */
    JsonNode parse(String query, String what) {
        try (var parsing = connection.prepareStatement("SELECT json_serialize_sql(CAST(? AS VARCHAR))")) {
            parsing.setString(1, query);
            try (ResultSet answer = parsing.executeQuery()) {
                answer.next();
                JsonNode parsed = Json.read(answer.getString(1));
                if (parsed.path("error").asBoolean()) {
                    throw new TidemillException(
                                    ErrorCode.INVALID_DEFINITION,
                                    what + " is not one query: "
                                            + parsed.path("error_message").asText()
                                            + place(
                                                    query,
                                                    parsed.path("position").asInt(-1)))
                            .remedy(
                                    "A column whose name is a word of SQL, such as at, order or end, must be quoted in it:"
                                            + " \"order\"");
                }
                if (parsed.path("statements").size() != 1) {
                    throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION,
                            what + " holds " + parsed.path("statements").size() + " statements; it must be one query");
                }
                return parsed;
            }
        } catch (SQLException e) {
            throw new TidemillException(ErrorCode.INVALID_DEFINITION, what + " does not run: " + firstLines(e))
                    .causedBy(e);
        }
    }

    /** Line and column of a position that the parser named, and what stands before it: the word that it stumbled over. */
    private static String place(String query, int position) {
        byte[] bytes = query.getBytes(StandardCharsets.UTF_8);
        if (position < 0 || position > bytes.length) {
            return "";
        }
        String before = new String(bytes, 0, position, StandardCharsets.UTF_8);
        int line = (int) before.chars().filter(character -> character == '\n').count() + 1;
        int column = before.length() - before.lastIndexOf('\n');
        String[] words = before.strip().split("[\\s,()]+", -1);
        String last = words[words.length - 1];
        return " at line " + line + ", column " + column + (last.isEmpty() ? "" : ", after '" + last + "'");
    }

    /** Runs SQL that holds what a user wrote; what is wrong with it is refused with the engine's own words. */
    void executeUsers(String sql, String what) {
        try {
            execute(sql);
        } catch (SQLException e) {
            throw new TidemillException(ErrorCode.INVALID_DEFINITION, what + " does not run: " + firstLines(e))
                    .causedBy(e);
        }
    }

    static String firstLines(SQLException failure) {
        String text = String.valueOf(failure.getMessage())
                .lines()
                .limit(6)
                .reduce((a, b) -> a + " | " + b)
                .orElse("");
        return text.length() <= 800 ? text : text.substring(0, 800);
    }

    long count(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    List<ObjectNode> rows(String sql) throws SQLException {
        var list = new ArrayList<ObjectNode>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            ResultSetMetaData meta = rows.getMetaData();
            while (rows.next()) {
                ObjectNode row = Json.object();
                for (int i = 1; i <= meta.getColumnCount(); i++) {
                    put(row, meta.getColumnLabel(i), rows.getObject(i));
                }
                list.add(row);
            }
        }
        return list;
    }

    private static void put(ObjectNode row, String name, @org.jspecify.annotations.Nullable Object value) {
        switch (value) {
            case null -> row.putNull(name);
            case Integer number -> row.put(name, number);
            case Short number -> row.put(name, number);
            case Byte number -> row.put(name, number.intValue());
            case Long number -> row.put(name, number);
            case BigInteger number -> row.put(name, number);
            case Float number -> row.put(name, number);
            case Double number -> row.put(name, number);
            case BigDecimal number -> row.put(name, number);
            case Boolean flag -> row.put(name, flag);
            default -> row.put(name, text(value));
        }
    }

    /** Writes a value as a request would bring it: a number, truth or text, a time in ISO 8601, null for what is not there. */
    static void write(JsonGenerator json, @org.jspecify.annotations.Nullable Object value) throws IOException {
        switch (value) {
            case null -> json.writeNull();
            case Float number when !Float.isFinite(number) -> json.writeNull();
            case Double number when !Double.isFinite(number) -> json.writeNull();
            case Number number -> json.writeObject(number);
            case Boolean flag -> json.writeBoolean(flag);
            default -> json.writeString(text(value));
        }
    }

    private static String text(Object value) {
        return switch (value) {
            case java.sql.Timestamp time ->
                time.toLocalDateTime().toInstant(ZoneOffset.UTC).toString();
            case LocalDateTime time -> time.toInstant(ZoneOffset.UTC).toString();
            case OffsetDateTime time -> time.toInstant().toString();
            default -> value.toString();
        };
    }

    /** Name and type of a query's columns; a type that no column type stands for is refused. */
    List<ResultColumn> describe(String relation) throws SQLException {
        var columns = new ArrayList<ResultColumn>();
        for (ObjectNode row : rows("DESCRIBE " + relation)) {
            columns.add(new ResultColumn(
                    row.path("column_name").asText(),
                    columnType(
                            row.path("column_name").asText(),
                            row.path("column_type").asText())));
        }
        return columns;
    }

    record ResultColumn(String name, ColumnType type) {}

    private static ColumnType columnType(String column, String type) {
        String plain = type.toUpperCase(Locale.ROOT).replaceAll("\\(.*", "");
        return switch (plain) {
            case "VARCHAR", "UUID", "ENUM" -> ColumnType.TEXT;
            case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT" ->
                ColumnType.LONG;
            case "FLOAT", "DOUBLE", "DECIMAL" -> ColumnType.DOUBLE;
            case "BOOLEAN" -> ColumnType.BOOLEAN;
            case "TIMESTAMP", "DATE", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS" -> ColumnType.TIMESTAMP;
            default ->
                throw new TidemillException(
                                ErrorCode.INVALID_DEFINITION,
                                "Column '" + column + "' has type " + type + ", which is not kept")
                        .remedy("Cast it to VARCHAR, BIGINT, DOUBLE, BOOLEAN or TIMESTAMP");
        };
    }

    static String identifier(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    static String literal(String text) {
        return '\'' + text.replace("'", "''") + '\'';
    }

    static String fileList(JsonNode paths) {
        var list = new ArrayList<String>();
        paths.forEach(path -> list.add(literal(path.asText())));
        return "[" + String.join(", ", list) + "]";
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
