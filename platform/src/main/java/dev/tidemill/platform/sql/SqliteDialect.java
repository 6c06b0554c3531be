package dev.tidemill.platform.sql;

import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

final class SqliteDialect implements Dialect {
    /** The bits of a code that tell its kind; those above tell it more exactly. */
    private static final int PRIMARY = 0xff;

    @Override
    public String name() {
        return "sqlite";
    }

    @Override
    public Map<String, String> migrationPlaceholders() {
        return Map.of(
                "user_of_actor", userOfActor(),
                "now_millis", "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
                "identity", "INTEGER PRIMARY KEY AUTOINCREMENT",
                "bytes", "BLOB",
                "bytewise_text", "TEXT",
                "clustered", "WITHOUT ROWID",
                "transaction_id", "BIGINT NOT NULL DEFAULT 0");
    }

    @Override
    public String userOfActor() {
        return "substr(actor, 1, instr(actor || '/', '/') - 1)";
    }

    @Override
    public String size() {
        return "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    }

    @Override
    public String settledEvents() {
        return "TRUE"; // one writer: positions are given in commit order
    }

    @Override
    public String lockShared() {
        // There is one writer.
        return "";
    }

    @Override
    public String lockSkippingLocked() {
        return "";
    }

    @Override
    public String aboutRows(String table) {
        return "SELECT COALESCE((SELECT MAX(rowid) FROM " + table + ") - (SELECT MIN(rowid) FROM " + table
                + ") + 1, 0)";
    }

    @Override
    public boolean isUniqueViolation(SQLException e) {
        return e instanceof SQLiteException sqlite
                && (sqlite.getResultCode() == SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY
                        || sqlite.getResultCode() == SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE);
    }

    @Override
    public boolean isFull(SQLException e) {
        return e instanceof SQLiteException sqlite
                && (sqlite.getResultCode() == SQLiteErrorCode.SQLITE_FULL
                        || sqlite.getResultCode() == SQLiteErrorCode.SQLITE_IOERR_WRITE);
    }

    @Override
    public boolean isOverdue(SQLException e) {
        return e instanceof SQLiteException sqlite && sqlite.getResultCode() == SQLiteErrorCode.SQLITE_INTERRUPT;
    }

    @Override
    public boolean isRetryable(SQLException e) {
        return false;
    }

    /** Another process holds the file, as one that copies it, or memory is short. */
    @Override
    public boolean isMomentary(SQLException e) {
        return e instanceof SQLiteException sqlite
                && switch (SQLiteErrorCode.getErrorCode(sqlite.getResultCode().code & PRIMARY)) {
                    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_NOMEM -> true;
                    default -> false;
                };
    }

    /** SQLite's own LIKE ignores case; GLOB does not. */
    @Override
    public String like(String expression, String parameter) {
        return expression + " GLOB " + parameter;
    }

    @Override
    public String likePattern(String pattern) {
        var glob = new StringBuilder();
        for (char c : pattern.toCharArray()) {
            switch (c) {
                case '%' -> glob.append('*');
                case '_' -> glob.append('?');
                case '*', '?', '[' -> glob.append('[').append(c).append(']');
                default -> glob.append(c);
            }
        }
        return glob.toString();
    }

    @Override
    public String matches(String expression, String parameter) {
        return expression + " REGEXP " + parameter;
    }

    @Override
    public String matchPattern(String pattern) {
        return pattern;
    }

    @Override
    public String likeIgnoringCase(String expression, String parameter) {
        return expression + " LIKE " + parameter;
    }

    @Override
    public String texts(String parameter) {
        return "(SELECT value FROM json_each(" + parameter + "))";
    }

    @Override
    public String amongNumbers(String expression, String parameter) {
        return expression + " IN (SELECT value FROM json_each(" + parameter + "))";
    }

    @Override
    public String jsonText(String expression, String parameter) {
        return "(" + expression + " ->> " + parameter + ")";
    }

    @Override
    public String jsonNumber(String expression) {
        return "(CASE WHEN json_valid(" + expression + ") AND json_type(" + expression
                + ") IN ('integer', 'real') THEN CAST(" + expression + " AS REAL) END)";
    }

    @Override
    public String jsonFieldNumber(String expression, String key) {
        String path = expression + ", '$." + key + "'";
        return "(CASE WHEN json_valid(" + expression + ") AND json_type(" + path
                + ") IN ('integer', 'real') THEN CAST(json_extract(" + path + ") AS REAL) END)";
    }

    @Override
    public String jsonObject(String name, String value) {
        return "json_group_object(" + name + ", " + value + ")";
    }

    @Override
    public boolean isServer() {
        return false;
    }

    @Override
    public boolean choosesJoinOrder() {
        return false;
    }

    @Override
    public Optional<String> sequenceBehind(String table, String column) {
        return Optional.empty();
    }
}
