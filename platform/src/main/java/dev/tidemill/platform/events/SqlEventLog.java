package dev.tidemill.platform.events;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.SqlCondition;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The event log in the database. */
public final class SqlEventLog implements EventLog {
    /** What an event takes, of a query for events called {@code x}: its data is text, and then a map. */
    private static final String BYTES = "3 * " + RowBytes.of("x.data");

    private final Database database;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition appended = lock.newCondition();

    public SqlEventLog(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    @Override
    public void append(Event event) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO event (id, type, schema_version, project, subject, digest, actor, cause,
                                           event_time, record_time, data)
                        VALUES (:id, :type, 1, :project, :subject, :digest, :actor, :cause,
                                :eventTime, :recordTime, :data)
                        """)
                .bind("id", Ids.next())
                .bind("type", event.type())
                .bind("project", event.project())
                .bind("subject", event.subject())
                .bind("digest", event.digest().orElse(null))
                .bind("actor", event.actor())
                .bind("cause", event.cause().orElse(null))
                .bind(
                        "eventTime",
                        event.eventTime().map(java.time.Instant::toEpochMilli).orElse(null))
                .bind("recordTime", clock.instant())
                .bind("data", Json.write(event.data()))
                .execute());
        database.afterCommit(this::signal);
    }

    private void signal() {
        lock.lock();
        try {
            appended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<StoredEvent> after(long position, int limit) {
        String sql = """
                SELECT * FROM event
                WHERE position > :position AND %s
                ORDER BY position
                LIMIT :limit
                """.formatted(database.dialect().settledEvents());
        return database.reading(handle -> handle.createQuery(sql)
                .bind("position", position)
                .bind("limit", limit)
                .map((row, context) -> event(row))
                .list());
    }

    @Override
    public Portion<StoredEvent> newest(EventQuery query) {
        SqlEventSearch search = SqlEventSearch.of(database, query);
        return RowBytes.searchedPage(
                database,
                search.reach(),
                query.limit(),
                handle -> search.bindAll(handle.createQuery(RowBytes.weighing("x.position", BYTES, search.sql()))),
                (row, context) -> row.getLong("position"),
                (handle, fitting) -> RowBytes.inOrder(
                        fitting.keys(),
                        handle.createQuery("SELECT * FROM event WHERE "
                                        + database.dialect().amongNumbers("position", ":positions"))
                                .bind("positions", SqlCondition.list(fitting.keys()))
                                .map((row, context) -> event(row))
                                .list(),
                        StoredEvent::position));
    }

    @Override
    public long latestPosition() {
        return database.reading(handle -> handle.createQuery("SELECT COALESCE(MAX(position), 0) FROM event WHERE "
                        + database.dialect().settledEvents())
                .mapTo(Long.class)
                .one());
    }

    @Override
    public void awaitAppend(Duration atMost) throws InterruptedException {
        lock.lock();
        try {
            if (!appended.await(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean rememberInbound(String project, String source, String id) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO inbound_event (project, source, id, received_at)
                                VALUES (:project, :source, :id, :now)
                                ON CONFLICT DO NOTHING
                                """)
                        .bind("project", project)
                        .bind("source", source)
                        .bind("id", id)
                        .bind("now", clock.instant())
                        .execute())
                > 0;
    }

    private static StoredEvent event(ResultSet row) throws SQLException {
        @SuppressWarnings("unchecked")
        Map<String, Object> data = Json.read(row.getString("data"), Map.class);
        return new StoredEvent(
                row.getLong("position"),
                row.getString("id"),
                Columns.instant(row, "record_time"),
                new Event(
                        row.getString("type"),
                        row.getString("project"),
                        row.getString("subject"),
                        Columns.optionalText(row, "digest"),
                        row.getString("actor"),
                        Columns.optionalText(row, "cause"),
                        Columns.optionalInstant(row, "event_time"),
                        data));
    }
}
