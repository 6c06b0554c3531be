package dev.tidemill.monitoring.store;

import dev.tidemill.platform.sql.Database;
import java.time.Instant;

/** Deletes a few of the oldest rows of a table. */
final class Deletions {
    private Deletions() {}

    /**
     * Deletes rows, the oldest first.
     *
     * @param key columns that tell rows apart, with commas
     * @param column time of the row, which has an index
     * @return how many were deleted, at most the limit
     */
    static int oldest(Database database, String table, String key, String column, Instant before, int limit) {
        return database.writing(handle -> handle.createUpdate("""
                        DELETE FROM %1$s WHERE (%2$s) IN
                            (SELECT %2$s FROM %1$s WHERE %3$s < :before ORDER BY %3$s LIMIT :limit)
                        """.formatted(table, key, column))
                .bind("before", before)
                .bind("limit", limit)
                .execute());
    }
}
