package dev.tidemill.platform.sql;

import com.google.re2j.Pattern;
import dev.tidemill.platform.search.RegularExpressions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import org.sqlite.Function;

/**
 * SQLite's operator {@code REGEXP}, which it leaves to its users: true where the pattern is found anywhere in the text.
 * RE2 takes time linear in the text, whatever the pattern. One of them serves one connection, hence one thread at a time.
 */
final class SqliteRegexp extends Function {
    /** A search has few patterns, each of which is asked for again in every row. */
    private static final int KEPT = 16;

    private final Map<String, Pattern> compiled = new HashMap<>();

    static <C extends Connection> C install(C connection) throws SQLException {
        Function.create(connection, "regexp", new SqliteRegexp(), 2, Function.FLAG_DETERMINISTIC);
        return connection;
    }

    @Override
    protected void xFunc() throws SQLException {
        String pattern = value_text(0);
        String text = value_text(1);
        if (text == null || pattern == null) {
            result();
            return;
        }
        if (compiled.size() >= KEPT && !compiled.containsKey(pattern)) {
            compiled.clear();
        }
        result(
                compiled.computeIfAbsent(pattern, RegularExpressions::compile)
                                .matcher(text)
                                .find()
                        ? 1
                        : 0);
    }
}
