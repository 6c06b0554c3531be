package dev.tidemill.platform.sql;

import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Set;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Opens databases. */
public final class Databases {
    /** The name of an SQLite database in its directory. */
    static final String SQLITE_FILE = "tidemill.db";

    /** Classes of PostgreSQL's states: no such database, no such schema, wrong user or password, no right. */
    private static final Set<String> REFUSED = Set.of("3D", "3F", "28", "42");

    private static final Set<SQLiteErrorCode> DAMAGED =
            Set.of(SQLiteErrorCode.SQLITE_CORRUPT, SQLiteErrorCode.SQLITE_NOTADB);

    private Databases() {}

    /**
     * Opens the database at the address, for a process that holds no lease on it.
     *
     * @param directory where an SQLite file is created or found
     * @throws TidemillException {@code UNAVAILABLE} if no connection can be made for now, {@code FAILED_PRECONDITION} if the server
     *     knows no such database, user, password or right
     */
    public static Database open(DatabaseAddress address, Path directory) {
        return open(address, directory, "tidemill");
    }

    /**
     * Opens the database at the address.
     *
     * @param directory where an SQLite file is created or found
     * @param connections what the connections are called where the database is a server; see {@link InstanceLease#connections}
     * @throws TidemillException {@code UNAVAILABLE} if no connection can be made for now, {@code FAILED_PRECONDITION} if the server
     *     knows no such database, user, password or right
     */
    public static Database open(DatabaseAddress address, Path directory, String connections) {
        return switch (address) {
            case DatabaseAddress.Sqlite() -> openSqlite(directory.resolve(SQLITE_FILE));
            case DatabaseAddress.Postgres postgres -> connect(postgres, connections);
        };
    }

    /**
     * What a failure to open or migrate a database says to an operator, where its SQLite file is damaged; else the failure as it is.
     *
     * @param directory where that file is
     */
    public static RuntimeException explained(RuntimeException failure, Path directory) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLiteException sqlite && DAMAGED.contains(sqlite.getResultCode())) {
                return new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The SQLite database " + directory.resolve(SQLITE_FILE) + " is damaged: "
                                        + sqlite.getMessage())
                        .at("database")
                        .remedy(
                                "Put a whole copy in its place, or restore a backup into an empty directory (tidemill restore)")
                        .causedBy(failure);
            }
        }
        return failure;
    }

    private static Database openSqlite(Path file) {
        try {
            return new SqliteDatabase(file);
        } catch (RuntimeException e) {
            throw new SqlFailures(new SqliteDialect()).translate(e);
        }
    }

    private static Database connect(DatabaseAddress.Postgres address, String connections) {
        try {
            return new PostgresDatabase(address, connections);
        } catch (PoolInitializationException e) {
            throw new TidemillException(
                            isRefusal(e) ? ErrorCode.FAILED_PRECONDITION : ErrorCode.UNAVAILABLE,
                            "The database " + address + " cannot be reached: " + e.getMessage())
                    .at("database")
                    .remedy("Check address, user and password, and that it is running")
                    .causedBy(e);
        }
    }

    /** Whether a server has answered, and not before somebody changes something takes this process in. */
    private static boolean isRefusal(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && sql.getSQLState() != null) {
                return REFUSED.stream().anyMatch(sql.getSQLState()::startsWith);
            }
        }
        return false;
    }
}
