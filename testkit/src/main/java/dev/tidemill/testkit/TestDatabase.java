package dev.tidemill.testkit;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.Databases;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** Fresh databases for tests. */
public final class TestDatabase {
    /** Where a PostgreSQL server for tests is, as {@code postgresql://user:password@host:port/database}. */
    public static final String POSTGRES_VARIABLE = "TIDEMILL_TEST_POSTGRES";

    private TestDatabase() {}

    /** A new SQLite database with the schemas of the domains. */
    public static Database sqlite(List<String> domains) {
        try {
            Database database =
                    Databases.open(new DatabaseAddress.Sqlite(), Files.createTempDirectory("tidemill-test"));
            database.migrate(domains);
            return database;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A new schema in the PostgreSQL server that the environment names; skips the test where it names none. */
    public static Database postgres(List<String> domains) {
        String address = System.getenv(POSTGRES_VARIABLE);
        Assumptions.assumeTrue(
                address != null && !address.isBlank(), POSTGRES_VARIABLE + " names no PostgreSQL server");
        String schema = "test_" + Ids.next().replace("-", "");
        var postgres = (DatabaseAddress.Postgres) DatabaseAddress.parse(address + "?schema=" + schema);
        createSchema(postgres, schema);
        Database database = Databases.open(postgres, Path.of("."));
        database.migrate(domains);
        return database;
    }

    private static void createSchema(DatabaseAddress.Postgres address, String schema) {
        String url = "jdbc:postgresql://" + address.host() + ":" + address.port() + "/" + address.database();
        try (Connection connection = DriverManager.getConnection(
                        url,
                        address.user(),
                        Optional.of(address)
                                .flatMap(DatabaseAddress.Postgres::password)
                                .orElse(""));
                var statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA " + schema);
        } catch (SQLException e) {
            throw new IllegalStateException("the test schema could not be made", e);
        }
    }
}
