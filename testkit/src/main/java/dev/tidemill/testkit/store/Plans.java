package dev.tidemill.testkit.store;

import dev.tidemill.platform.sql.Database;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.statement.SqlLogger;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.StatementContext;

/** How a database means to run the statements of a piece of work, with the values that it is given. */
public final class Plans {
    private Plans() {}

    /** Gathers what the tables hold, so that plans are made for that. */
    public static void analyze(Database database) {
        database.writing(handle -> {
            if (database.dialect().name().equals("sqlite")) {
                return handle.execute("ANALYZE");
            }
            // Of this schema alone: a test's database holds those of all others, and each table of a statement takes a
            // lock.
            List<String> tables = handle.createQuery(
                            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
                    .mapTo(String.class)
                    .list();
            return handle.execute("ANALYZE " + String.join(", ", tables));
        });
    }

    /** The plan of each {@code SELECT}, one text a statement, in the database's own words. */
    public static List<String> of(Database database, Runnable work) {
        var plans = new ArrayList<String>();
        var recorder = new SqlLogger() {
            private boolean explaining;

            @Override
            public void logBeforeExecution(StatementContext context) {
                String sql = context.getRenderedSql();
                if (!explaining && sql.stripLeading().matches("(?is)(SELECT|WITH)\\b.*")) {
                    explaining = true;
                    plans.add(explain(database, sql, context));
                    explaining = false;
                }
            }
        };
        SqlLogger before = record(database, recorder);
        try {
            work.run();
        } finally {
            record(database, before);
        }
        return plans;
    }

    private static SqlLogger record(Database database, SqlLogger recorder) {
        return database.reading(handle -> {
            var config = handle.getJdbi().getConfig(SqlStatements.class);
            SqlLogger before = config.getSqlLogger();
            config.setSqlLogger(recorder);
            return before;
        });
    }

    private static String explain(Database database, String sql, StatementContext context) {
        boolean sqlite = database.dialect().name().equals("sqlite");
        return database.reading(handle -> {
            var query = handle.createQuery((sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + sql)
                    .configure(SqlStatements.class, config -> config.setUnusedBindingAllowed(true));
            for (String name : context.getBinding().getNames()) {
                context.getBinding().findForName(name, context).ifPresent(value -> query.bind(name, value));
            }
            return String.join(
                    "\n",
                    query.map((row, mapping) -> row.getString(sqlite ? 4 : 1)).list());
        });
    }
}
