package dev.tidemill.identity.store;

import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.retention.SqlKeptRows;
import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** How long sessions and tokens that have expired are kept. */
public final class SqlIdentityRetention {
    /** Whose token it was still sees that it has expired. */
    private static final Duration EXPIRED_TOKENS = Duration.ofDays(30);

    private SqlIdentityRetention() {}

    /** Everything that is kept; what has not expired stays. */
    public static List<Kept> kept(Database database) {
        return List.of(
                new SqlKeptRows(
                        database,
                        "sessions",
                        "web_session",
                        Optional.of(Duration.ZERO),
                        (before, limit) -> delete(database, "web_session", "secret_hash", before, limit)),
                new SqlKeptRows(
                        database,
                        "tokens",
                        "api_token",
                        Optional.of(EXPIRED_TOKENS),
                        (before, limit) -> delete(database, "api_token", "id", before, limit)));
    }

    private static int delete(Database database, String table, String key, Instant before, int limit) {
        return database.writing(handle -> handle.createUpdate(
                        "DELETE FROM %1$s WHERE %2$s IN (SELECT %2$s FROM %1$s WHERE expires_at < :before ORDER BY expires_at LIMIT :limit)"
                                .formatted(table, key))
                .bind("before", before)
                .bind("limit", limit)
                .execute());
    }
}
