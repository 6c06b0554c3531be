package dev.tidemill.platform.sql;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Fills an empty database with what {@link DatabaseDump} wrote, from either database into either. */
public final class DatabaseLoad {
    private static final int BATCH = 500;

    /** Gives the parts. */
    @FunctionalInterface
    public interface Source {
        InputStream part(String name) throws IOException;
    }

    private final Database database;

    public DatabaseLoad(Database database) {
        this.database = database;
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} if the database has tables already */
    public void requireEmpty() {
        if (!database.<Boolean>reading(handle -> Tables.isEmpty(handle, database.dialect()))) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "The database is not empty")
                    .at("database")
                    .remedy("Restore into a new database or schema");
        }
    }

    /**
     * Brings the schemas to where they were and fills the tables, all of them or none. A server that is newer brings the schemas up
     * to date when it starts.
     *
     * @param told what {@link DatabaseDump#write} returned; its names go into statements, so the caller has checked them
     * @throws TidemillException {@code FAILED_PRECONDITION} if the database has tables already; {@code INVALID_DATA} if there are
     *     fewer or more rows, or other columns, than told
     */
    public void read(JsonNode told, Source source) {
        requireEmpty();
        var versions = new LinkedHashMap<String, String>();
        told.path("schemas")
                .properties()
                .forEach(schema ->
                        versions.put(schema.getKey(), schema.getValue().asText()));
        try {
            database.migrateTo(versions);
            database.writing(handle -> {
                fill(handle, told, source);
                return true;
            });
        } catch (RuntimeException e) {
            undo();
            throw e;
        }
    }

    /** Makes the database as empty as it was: what else belongs to what was read could not be brought back. */
    public void undo() {
        database.writing(handle -> {
            Tables.drop(handle, database.dialect());
            return true;
        });
    }

    private void fill(Handle handle, JsonNode told, Source source) {
        var tables = new HashMap<String, JsonNode>();
        told.path("tables").forEach(table -> tables.put(table.path("name").asText(), table));
        try {
            Connection connection = handle.getConnection();
            for (String table : parentsFirst(connection, tables.keySet())) {
                fill(connection, Objects.requireNonNull(tables.get(table)), source);
                identity(handle, table);
            }
        } catch (SQLException e) {
            throw new IllegalStateException("The rows could not be written: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Set<String> parentsFirst(Connection connection, Set<String> tables) throws SQLException {
        var ordered = new LinkedHashSet<String>();
        for (String table : tables.stream().sorted().toList()) {
            addWithParents(connection, table, tables, ordered);
        }
        return ordered;
    }

    private static void addWithParents(Connection connection, String table, Set<String> tables, Set<String> ordered)
            throws SQLException {
        if (ordered.contains(table)) {
            return;
        }
        var parents = new ArrayList<String>();
        try (ResultSet keys = connection.getMetaData().getImportedKeys(null, connection.getSchema(), table)) {
            while (keys.next()) {
                parents.add(keys.getString("PKTABLE_NAME"));
            }
        }
        for (String parent : parents) {
            if (!parent.equals(table) && tables.contains(parent)) {
                addWithParents(connection, parent, tables, ordered);
            }
        }
        ordered.add(table);
    }

    private static void fill(Connection connection, JsonNode table, Source source) throws SQLException, IOException {
        String name = table.path("name").asText();
        List<String> columns = new ArrayList<>();
        table.path("columns").forEach(column -> columns.add(column.asText()));
        String listed = String.join(", ", columns);
        // The tables' rows may exist already: a migration script can bring some.
        try (var statement = connection.createStatement()) {
            statement.executeUpdate("DELETE FROM " + name);
        }
        Map<Integer, Integer> types = types(connection, name, listed);
        String marks = String.join(", ", columns.stream().map(column -> "?").toList());
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO " + name + " (" + listed + ") VALUES (" + marks + ")")) {
            int waiting = 0;
            long rows = 0;
            for (int part = 1; part <= table.path("parts").asInt(); part++) {
                try (var lines = new BufferedReader(
                        new InputStreamReader(source.part(DatabaseDump.part(name, part)), StandardCharsets.UTF_8))) {
                    String line;
                    while ((line = lines.readLine()) != null) {
                        JsonNode values = Json.read(line);
                        if (values.size() != columns.size()) {
                            throw damaged(
                                    name, "a row has " + values.size() + " values for " + columns.size() + " columns");
                        }
                        rows++;
                        for (int i = 0; i < columns.size(); i++) {
                            bind(insert, i + 1, values.get(i), types.getOrDefault(i + 1, Types.VARCHAR));
                        }
                        insert.addBatch();
                        if (++waiting == BATCH) {
                            insert.executeBatch();
                            waiting = 0;
                        }
                    }
                }
            }
            insert.executeBatch();
            if (rows != table.path("rows").asLong()) {
                throw damaged(name, "it has " + rows + " rows, not " + table.path("rows"));
            }
        }
    }

    private static TidemillException damaged(String table, String why) {
        return new TidemillException(ErrorCode.INVALID_DATA, "Table " + table + " cannot be restored: " + why);
    }

    private static Map<Integer, Integer> types(Connection connection, String table, String columns)
            throws SQLException {
        var types = new HashMap<Integer, Integer>();
        try (var statement = connection.createStatement();
                ResultSet none = statement.executeQuery("SELECT " + columns + " FROM " + table + " WHERE 1 = 0")) {
            for (int i = 1; i <= none.getMetaData().getColumnCount(); i++) {
                types.put(i, none.getMetaData().getColumnType(i));
            }
        }
        return types;
    }

    private static void bind(PreparedStatement insert, int index, JsonNode value, int type) throws SQLException {
        boolean flag = type == Types.BOOLEAN || type == Types.BIT;
        boolean real = type == Types.DOUBLE || type == Types.REAL || type == Types.FLOAT;
        if (value.isNull()) {
            insert.setNull(index, type);
        } else if (value.isObject()) {
            insert.setBytes(
                    index, Base64.getDecoder().decode(value.path("base64").asText()));
        } else if (flag) {
            insert.setBoolean(index, value.isBoolean() ? value.asBoolean() : value.asLong() != 0);
        } else if (value.isBoolean()) {
            insert.setBoolean(index, value.asBoolean());
        } else if (value.isFloatingPointNumber()) {
            insert.setDouble(index, value.asDouble());
        } else if (value.isIntegralNumber()) {
            if (real) {
                insert.setDouble(index, value.asDouble());
            } else {
                insert.setLong(index, value.asLong());
            }
        } else if (real) {
            insert.setDouble(index, Double.parseDouble(value.asText()));
        } else {
            insert.setString(index, value.asText());
        }
    }

    /** Numbers that are given out next lie above those that are there. */
    private void identity(Handle handle, String table) {
        if (database.dialect().name().equals("sqlite")) {
            return;
        }
        handle.createQuery("""
                        SELECT column_name FROM information_schema.columns
                        WHERE table_schema = current_schema() AND table_name = :table AND is_identity = 'YES'
                        """)
                .bind("table", table)
                .mapTo(String.class)
                .list()
                .forEach(column -> database.dialect()
                        .sequenceBehind(table, column)
                        .ifPresent(statement ->
                                handle.createQuery(statement).mapTo(Long.class).one()));
    }
}
