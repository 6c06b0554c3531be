package dev.tidemill.platform.sql;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jdbi.v3.core.Handle;

/**
 * Writes all rows as of one moment in a form that either database can take: for each table parts of JSON Lines, a line an array of
 * the row's values. Bytes are {@code {"base64": ...}}; numbers that JSON does not have are the texts NaN, Infinity and -Infinity.
 */
public final class DatabaseDump {
    /** Parts are made in memory, so that nothing is written aside. */
    private static final int PART_BYTES = 4 << 20;

    private static final int FETCH = 1000;

    /** How the name of each part begins. */
    public static final String PARTS = "database/";

    /** Takes the parts. */
    @FunctionalInterface
    public interface Target {
        void part(String name, byte[] lines) throws IOException;
    }

    /** Is told that what is written from now on is not among the rows. */
    @FunctionalInterface
    public interface Moment {
        void passed() throws IOException;
    }

    /** A database that gives nothing for so long is not waited for: deletions wait for a dump. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final Database database;
    private final Duration patience;

    public DatabaseDump(Database database) {
        this(database, PATIENCE);
    }

    /** @param patience with each answer of a database server; one in a file does not keep anybody waiting */
    DatabaseDump(Database database, Duration patience) {
        this.database = database;
        this.patience = patience;
    }

    /**
     * Writes every table; what other units of work write meanwhile is not in it.
     *
     * @param moment runs once the moment is fixed, before any row is written
     * @return what {@link DatabaseLoad} needs to know: the schemas' versions, and each table's columns and parts
     * @throws TidemillException {@code UNAVAILABLE} if the database gives nothing for minutes, as behind a lock that somebody
     *     holds or a network that is gone
     */
    public ObjectNode write(Target target, Moment moment) {
        // What is thrown in the end may tell of the lost connection alone, and not of what it was lost by.
        var timedOut = new AtomicBoolean();
        try {
            return rows(target, moment, timedOut);
        } catch (RuntimeException e) {
            if (!timedOut.get()) {
                throw e;
            }
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The database gave nothing for " + patience.toSeconds() + " s; the backup is given up")
                    .remedy("Look for who holds a lock on one of its tables, such as a change by hand, and try again")
                    .causedBy(e);
        }
    }

    private static boolean isTimedOut(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SocketTimeoutException) {
                return true;
            }
        }
        return false;
    }

    private ObjectNode rows(Target target, Moment moment, AtomicBoolean timedOut) {
        return database.reading(handle -> {
            try (var bounded = bounded(handle.getConnection())) {
                ObjectNode told =
                        Json.object().put("dialect", database.dialect().name());
                // The first query fixes what this unit of work sees, in either database.
                schemas(handle).forEach(told.withObject("/schemas")::put);
                moment.passed();
                for (String table : Tables.all(handle, database.dialect())) {
                    told.withArray("tables").add(table(handle.getConnection(), table, target));
                }
                return told;
            } catch (RuntimeException e) {
                timedOut.set(isTimedOut(e));
                throw e;
            } catch (SQLException e) {
                timedOut.set(isTimedOut(e));
                throw new IllegalStateException("The database could not be read: " + e.getMessage(), e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** The connection's own patience, until this is closed. */
    private interface Bounded extends AutoCloseable {
        @Override
        void close() throws SQLException;
    }

    private Bounded bounded(Connection connection) throws SQLException {
        if (!database.dialect().isServer()) {
            return () -> {};
        }
        int before = connection.getNetworkTimeout();
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(patience.toMillis()));
        return () -> {
            if (!connection.isClosed()) {
                connection.setNetworkTimeout(Runnable::run, before);
            }
        };
    }

    private Map<String, String> schemas(Handle handle) {
        var versions = new TreeMap<String, String>();
        for (String history : Tables.histories(handle, database.dialect())) {
            String version = handle.createQuery("SELECT version FROM " + history
                            + " WHERE success = TRUE AND version IS NOT NULL ORDER BY installed_rank DESC LIMIT 1")
                    .mapTo(String.class)
                    .one();
            versions.put(history.substring(Tables.HISTORY.length()), version);
        }
        return versions;
    }

    private static ObjectNode table(Connection connection, String table, Target target)
            throws SQLException, IOException {
        ObjectNode told = Json.object().put("name", table);
        long rows = 0;
        int parts = 0;
        try (var statement = connection.createStatement()) {
            statement.setFetchSize(FETCH);
            try (ResultSet row = statement.executeQuery("SELECT * FROM " + table)) {
                ResultSetMetaData about = row.getMetaData();
                List<Integer> columns = new ArrayList<>();
                for (int i = 1; i <= about.getColumnCount(); i++) {
                    if (!about.getColumnName(i).equals(Tables.OF_THIS_DATABASE)) {
                        columns.add(i);
                        told.withArray("columns").add(about.getColumnName(i).toLowerCase(Locale.ROOT));
                    }
                }
                var lines = new ByteArrayOutputStream();
                while (row.next()) {
                    ArrayNode values = Json.array();
                    for (int column : columns) {
                        add(values, row.getObject(column));
                    }
                    lines.write(Json.write(values).getBytes(StandardCharsets.UTF_8));
                    lines.write('\n');
                    rows++;
                    if (lines.size() >= PART_BYTES) {
                        target.part(part(table, ++parts), lines.toByteArray());
                        lines.reset();
                    }
                }
                if (lines.size() > 0) {
                    target.part(part(table, ++parts), lines.toByteArray());
                }
            }
        }
        return told.put("rows", rows).put("parts", parts);
    }

    /** Name of a part of a table, from 1. */
    public static String part(String table, int number) {
        return String.format(Locale.ROOT, PARTS + "%s/%06d.jsonl", table, number);
    }

    /** The table of which a part is, by the part's name. */
    public static String table(String part) {
        return part.substring(PARTS.length(), part.indexOf('/', PARTS.length()));
    }

    private static void add(ArrayNode values, @org.jspecify.annotations.Nullable Object value) {
        switch (value) {
            case null -> values.addNull();
            case Boolean flag -> values.add(flag);
            case Integer number -> values.add(number);
            case Long number -> values.add(number);
            case Double number when Double.isNaN(number) || Double.isInfinite(number) -> values.add(number.toString());
            case Double number -> values.add(number);
            case byte[] bytes ->
                values.addObject().put("base64", Base64.getEncoder().encodeToString(bytes));
            case String text -> values.add(text);
            default ->
                throw new IllegalStateException(
                        "A value of type " + value.getClass().getName() + " has no form in a backup");
        }
    }
}
