package dev.tidemill.platform.sql;

import java.nio.file.Path;

/** Opens databases. */
public final class Databases {
    private Databases() {}

    /**
     * Opens the database at the address.
     *
     * @param directory where an SQLite file is created or found
     */
    public static Database open(DatabaseAddress address, Path directory) {
        return switch (address) {
            case DatabaseAddress.Sqlite() -> new SqliteDatabase(directory.resolve("tidemill.db"));
            case DatabaseAddress.Postgres postgres -> new PostgresDatabase(postgres);
        };
    }
}
