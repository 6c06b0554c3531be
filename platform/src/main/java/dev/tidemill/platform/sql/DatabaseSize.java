package dev.tidemill.platform.sql;

/** How much room a database takes. */
public final class DatabaseSize {
    private DatabaseSize() {}

    /** Bytes of everything in the database's schema, indexes included. */
    public static long bytes(Database database) {
        return database.reading(handle ->
                handle.createQuery(database.dialect().size()).mapTo(Long.class).one());
    }
}
