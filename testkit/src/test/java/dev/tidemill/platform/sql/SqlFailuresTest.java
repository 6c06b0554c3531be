package dev.tidemill.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.testkit.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import org.jdbi.v3.core.ConnectionException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What passes by itself is told from what does not: callers try again on the first alone. */
class SqlFailuresTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "08001, UNAVAILABLE", // nobody listens
        "08003, UNAVAILABLE",
        "08006, UNAVAILABLE", // the connection broke
        "25006, UNAVAILABLE", // it only reads: it follows another server, or was told to
        "40001, UNAVAILABLE", // others were faster, again and again
        "40P01, UNAVAILABLE", // deadlock
        "53000, UNAVAILABLE",
        "53200, UNAVAILABLE", // out of memory
        "53300, UNAVAILABLE", // too many connections
        "53400, UNAVAILABLE",
        "55P03, UNAVAILABLE", // a lock is held
        "57P01, UNAVAILABLE", // it shuts down
        "57P02, UNAVAILABLE", // it has crashed
        "57P03, UNAVAILABLE", // it starts
        "57P05, UNAVAILABLE", // an idle session was ended
        "53100, STORAGE_FULL",
        "57014, TIMEOUT",
        "23505, ALREADY_EXISTS",
        "2201B, INVALID_ARGUMENT"
    })
    void statesOfPostgresqlThatPassOrAreTheCallers(String state, ErrorCode code) {
        var failures = new SqlFailures(new PostgresDialect());
        assertThat(failures.translate(new ConnectionException(new SQLException("said", state))))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(code));
    }

    @ParameterizedTest
    @CsvSource({
        "22P02", // not a number
        "28000", // no such user
        "28P01", // wrong password
        "3D000", // no such database
        "3F000", // no such schema
        "42501", // no right
        "42601", // syntax
        "42P01", // no such table
        "57P04", // the database was dropped
        "XX001" // damaged
    })
    void statesOfPostgresqlThatStay(String state) {
        var failure = new ConnectionException(new SQLException("said", state));
        assertThat(new SqlFailures(new PostgresDialect()).translate(failure)).isSameAs(failure);
    }

    @ParameterizedTest
    @CsvSource({
        "SQLITE_BUSY, UNAVAILABLE",
        "SQLITE_BUSY_RECOVERY, UNAVAILABLE",
        "SQLITE_BUSY_SNAPSHOT, UNAVAILABLE",
        "SQLITE_LOCKED, UNAVAILABLE",
        "SQLITE_LOCKED_SHAREDCACHE, UNAVAILABLE",
        "SQLITE_PROTOCOL, UNAVAILABLE",
        "SQLITE_NOMEM, UNAVAILABLE",
        "SQLITE_FULL, STORAGE_FULL",
        "SQLITE_IOERR_WRITE, STORAGE_FULL",
        "SQLITE_INTERRUPT, TIMEOUT",
        "SQLITE_CONSTRAINT_UNIQUE, ALREADY_EXISTS"
    })
    void codesOfSqlite(SQLiteErrorCode said, ErrorCode code) {
        var failures = new SqlFailures(new SqliteDialect());
        assertThat(failures.translate(new ConnectionException(new SQLiteException("said", said))))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(code));
        var damaged = new ConnectionException(new SQLiteException("said", SQLiteErrorCode.SQLITE_CORRUPT));
        assertThat(failures.translate(damaged)).isSameAs(damaged);
    }

    /** Flyway has connections of its own. */
    @Test
    void aMigrationThatFailsForTheMomentSaysSo() throws SQLException {
        String address = System.getenv(TestDatabase.POSTGRES_VARIABLE);
        Assumptions.assumeTrue(address != null && !address.isBlank(), "no PostgreSQL server is named");
        String name = "test_" + Ids.next().replace("-", "");
        var server = (DatabaseAddress.Postgres) DatabaseAddress.parse(address);
        String url = "jdbc:postgresql://" + server.host() + ":" + server.port() + "/";
        try (Connection operator = DriverManager.getConnection(
                        url + server.database(),
                        server.user(),
                        server.password().orElse(""));
                var statement = operator.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
            try {
                statement.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
                try (Database database = Databases.open(
                        DatabaseAddress.parse(address.replaceFirst("/[^/?]*($|\\?)", "/" + name + "$1")), folder)) {
                    assertThatThrownBy(() -> database.migrate(List.of("platform")))
                            .isInstanceOfSatisfying(
                                    TidemillException.class,
                                    error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE));
                    statement.execute("ALTER DATABASE " + name + " RESET default_transaction_read_only");
                    database.migrate(List.of("platform"));
                }
            } finally {
                statement.execute("DROP DATABASE " + name + " WITH (FORCE)");
            }
        }
    }

    @Test
    void aWrongDatabaseOrUserIsToldApartFromAServerThatIsAway() {
        String address = System.getenv(TestDatabase.POSTGRES_VARIABLE);
        Assumptions.assumeTrue(address != null && !address.isBlank(), "no PostgreSQL server is named");
        for (String wrong : List.of(
                address.replaceFirst("/[^/?]*($|\\?)", "/no_such_database$1"),
                address.replaceFirst("//[^@]*@", "//no_such_user@"))) {
            assertThatThrownBy(() ->
                            Databases.open(DatabaseAddress.parse(wrong), folder).close())
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        }
        assertThatThrownBy(() -> Databases.open(DatabaseAddress.parse("postgresql://nobody@127.0.0.1:1/none"), folder)
                        .close())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE));
    }
}
