package dev.tidemill.platform.events;

import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.retention.LimitedRows;
import dev.tidemill.platform.retention.ShortUnits;
import dev.tidemill.platform.retention.SqlKeptRows;
import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** How long events, refusals and the ids of events from outside are kept. */
public final class SqlEventRetention {
    /** Anybody who reaches the server makes them. */
    private static final long MOST_REFUSALS = 100_000;

    private final Database database;

    public SqlEventRetention(Database database) {
        this.database = database;
    }

    /**
     * Everything that is kept.
     *
     * @param events for how long events and refusals are kept, of refusals the newest 100,000; empty for ever
     * @param inbound within what time an event from outside that comes again is recognized
     */
    public List<Kept> kept(Optional<Duration> events, Duration inbound) {
        return List.of(
                new SqlKeptRows(database, "events", "event", events, this::deleteEvents),
                new LimitedRows(
                        new SqlKeptRows(database, "refusals", "audit_refusal", events, this::deleteRefusals),
                        MOST_REFUSALS,
                        this::deleteRefusalsBeyond),
                new SqlKeptRows(
                        database, "inbound-events", "inbound_event", Optional.of(inbound), this::deleteInbound));
    }

    /** Events that a subscriber or a webhook that works has still to see stay, however old. */
    private int deleteEvents(Instant before, int limit) {
        return database.writing(handle -> handle.createUpdate("""
            DELETE FROM event WHERE position IN
                (SELECT position FROM
                    (SELECT position, record_time FROM event ORDER BY position LIMIT :limit) oldest
                 WHERE record_time < :before
                   AND position <= (SELECT COALESCE(MIN(position), 9223372036854775807) FROM event_cursor)
                   AND position <= (SELECT COALESCE(MIN(position), 9223372036854775807) FROM webhook
                                    WHERE active AND broken IS NULL))
            """)
                .bind("before", before)
                .bind("limit", limit)
                .execute());
    }

    private long deleteRefusalsBeyond() {
        Optional<Long> last = database.reading(handle -> handle.createQuery(
                        "SELECT position FROM audit_refusal ORDER BY position DESC LIMIT 1 OFFSET :most")
                .bind("most", MOST_REFUSALS)
                .mapTo(Long.class)
                .findOne());
        return last.map(position -> ShortUnits.delete(limit -> deleteRefusalsUntil(position, limit)))
                .orElse(0L);
    }

    private int deleteRefusalsUntil(long position, int limit) {
        return database.writing(handle -> handle.createUpdate("""
            DELETE FROM audit_refusal WHERE position IN
                (SELECT position FROM audit_refusal WHERE position <= :last ORDER BY position LIMIT :limit)
            """)
                .bind("last", position)
                .bind("limit", limit)
                .execute());
    }

    private int deleteRefusals(Instant before, int limit) {
        return database.writing(handle -> handle.createUpdate("""
            DELETE FROM audit_refusal WHERE position IN
                (SELECT position FROM
                    (SELECT position, record_time FROM audit_refusal ORDER BY position LIMIT :limit) oldest
                 WHERE record_time < :before)
            """)
                .bind("before", before)
                .bind("limit", limit)
                .execute());
    }

    private int deleteInbound(Instant before, int limit) {
        return database.writing(handle -> handle.createUpdate("""
            DELETE FROM inbound_event WHERE (project, source, id) IN
                (SELECT project, source, id FROM inbound_event WHERE received_at < :before
                 ORDER BY received_at LIMIT :limit)
            """)
                .bind("before", before)
                .bind("limit", limit)
                .execute());
    }
}
