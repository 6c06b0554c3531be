package dev.tidemill.platform.sql;

import java.util.List;
import org.jdbi.v3.core.Handle;

/** The tables of a database. */
final class Tables {
    static final String HISTORY = "schema_history_";

    /** A column whose values mean something in one PostgreSQL cluster alone; it has a default. */
    static final String OF_THIS_DATABASE = "transaction_id";

    /** Says which server has the database open. */
    private static final String INSTANCE = "server_instance";

    private Tables() {}

    private static List<String> names(Handle handle, Dialect dialect) {
        String query = dialect.name().equals("sqlite")
                ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
                : "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename";
        return handle.createQuery(query).mapTo(String.class).list();
    }

    /** Those that hold what a server keeps. */
    static List<String> all(Handle handle, Dialect dialect) {
        return names(handle, dialect).stream()
                .filter(name -> !name.startsWith(HISTORY) && !name.equals(INSTANCE))
                .toList();
    }

    /** Those that tell how far the schemas are. */
    static List<String> histories(Handle handle, Dialect dialect) {
        return names(handle, dialect).stream()
                .filter(name -> name.startsWith(HISTORY))
                .toList();
    }

    static boolean isEmpty(Handle handle, Dialect dialect) {
        return names(handle, dialect).isEmpty();
    }

    /** Removes every table. */
    static void drop(Handle handle, Dialect dialect) {
        for (String name : names(handle, dialect)) {
            handle.execute("DROP TABLE " + name + (dialect.name().equals("sqlite") ? "" : " CASCADE"));
        }
    }
}
