package dev.tidemill.app;

import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.sql.Database;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** Makes a testing server virgin again: every table empty, every sequence at its start. */
final class Reset {
    private final Database database;
    private final List<Module> modules;

    Reset(Database database, List<Module> modules) {
        this.database = database;
        this.modules = modules;
    }

    void run() {
        database.writing(handle -> {
            if (database.dialect().name().equals("sqlite")) {
                clearSqlite(handle);
            } else {
                clearPostgres(handle);
            }
            return true;
        });
        modules.forEach(Module::reset);
    }

    private static void clearSqlite(Handle handle) {
        handle.execute("PRAGMA defer_foreign_keys = ON");
        List<String> tables = handle.createQuery("""
                        SELECT name FROM sqlite_master
                        WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'schema_history_%'
                        """).mapTo(String.class).list();
        tables.forEach(table -> handle.execute("DELETE FROM \"" + table + '"'));
        handle.execute("DELETE FROM sqlite_sequence");
    }

    private static void clearPostgres(Handle handle) {
        List<String> tables = handle.createQuery("""
                        SELECT quote_ident(tablename) FROM pg_tables
                        WHERE schemaname = current_schema() AND tablename NOT LIKE 'schema_history_%'
                        """).mapTo(String.class).list();
        handle.execute("TRUNCATE " + String.join(", ", tables) + " RESTART IDENTITY CASCADE");
    }
}
