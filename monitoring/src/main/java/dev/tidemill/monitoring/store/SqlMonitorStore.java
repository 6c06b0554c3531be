package dev.tidemill.monitoring.store;

import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.ColumnFault;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Quarantine;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Monitoring in the database. */
public final class SqlMonitorStore implements MonitorStore {
    private static final List<String> FORGOTTEN =
            List.of("monitor_state", "monitor_window", "monitor_slice", "monitor_challenger_calls");
    private static final String WINDOW_KEY = "project, deployment, starts_at";

    /** Read, a window's JSON takes about six times its length: most of it are short numbers in lists. */
    private static final String WINDOW_BYTES = "6 * " + RowBytes.of("x.drift", "x.profile", "x.faults");

    private final Database database;

    public SqlMonitorStore(Database database) {
        this.database = database;
    }

    @Override
    public void saveMonitor(String project, String name, Monitor monitor) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor (project, name, definition) VALUES (:project, :name, :definition)
                        ON CONFLICT (project, name) DO UPDATE SET definition = excluded.definition
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("definition", Json.write(monitor))
                .execute());
    }

    @Override
    public Optional<Monitor> findMonitor(String project, String name) {
        return database.reading(
                handle -> handle.createQuery("SELECT definition FROM monitor WHERE project = :project AND name = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .map((row, context) -> Json.read(row.getString("definition"), Monitor.class))
                        .findOne());
    }

    @Override
    public Optional<MonitorState> findState(String project, String deployment) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM monitor_state WHERE project = :project AND deployment = :deployment")
                .bind("project", project)
                .bind("deployment", deployment)
                .map((row, context) -> state(row))
                .findOne());
    }

    @Override
    public List<MonitorState> states() {
        return database.reading(handle -> handle.createQuery("SELECT * FROM monitor_state ORDER BY project, deployment")
                .map((row, context) -> state(row))
                .list());
    }

    @Override
    public Optional<MonitorState> lockState(String project, String deployment) {
        // An update that changes nothing holds the row until the unit of work ends, on both databases.
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state SET believed = believed WHERE project = :project AND deployment = :deployment
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .execute());
        return findState(project, deployment);
    }

    private static MonitorState state(ResultSet row) throws SQLException {
        return new MonitorState(
                row.getString("project"),
                row.getString("deployment"),
                new EventClock(
                        Columns.instant(row, "origin"),
                        Columns.instant(row, "watermark"),
                        row.getBoolean("declared"),
                        Columns.instant(row, "reached_at"),
                        row.getLong("believed"),
                        new EventClock.Apart(
                                row.getLong("ahead"),
                                row.getLong("behind"),
                                Columns.optionalInstant(row, "apart_from")),
                        row.getLong("quarantined"),
                        Columns.optionalText(row, "quarantine_cause").map(Quarantine::valueOf)),
                Columns.instant(row, "processed"),
                Columns.instant(row, "windows_till"),
                Columns.optionalInstant(row, "sliced_till"),
                Columns.optionalText(row, "pending_run"),
                Columns.optionalText(row, "last_run"),
                Columns.optionalInstant(row, "trained_till"),
                row.getLong("late_labels"),
                halt(row));
    }

    private static Optional<MonitorState.Halt> halt(ResultSet row) throws SQLException {
        Instant since = Columns.optionalInstant(row, "halted_since").orElse(Instant.EPOCH);
        return Columns.optionalText(row, "halt_reason").map(reason -> new MonitorState.Halt(reason, since));
    }

    @Override
    public void createState(MonitorState state) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_state (project, deployment, origin, watermark, declared, processed,
                                                   windows_till, trained_till, reached_at, believed)
                        VALUES (:project, :deployment, :origin, :watermark, :declared, :processed,
                                :windowsTill, :trainedTillMillis, :reachedAt, :believed)
                        ON CONFLICT DO NOTHING
                        """)
                .bindMethods(state)
                .bindMethods(state.clock())
                .bind("trainedTillMillis", millis(state.trainedTill()))
                .execute());
    }

    @Override
    public boolean saveProgress(MonitorState before, MonitorState after) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE monitor_state
                                SET processed = :processed, windows_till = :windowsTill, sliced_till = :slicedTillMillis,
                                    pending_run = :pendingRunOrNull, last_run = :lastRunOrNull, trained_till = :trainedTillMillis
                                WHERE project = :project AND deployment = :deployment AND processed = :before
                                  AND origin = :origin AND COALESCE(pending_run, '') = :runBefore
                                """)
                        .bindMethods(after)
                        .bind("slicedTillMillis", millis(after.slicedTill()))
                        .bind("lastRunOrNull", after.lastRun().orElse(null))
                        .bind("pendingRunOrNull", after.pendingRun().orElse(null))
                        .bind("trainedTillMillis", millis(after.trainedTill()))
                        .bind("before", before.processed())
                        .bind("origin", before.clock().origin())
                        .bind("runBefore", before.pendingRun().orElse(""))
                        .execute())
                > 0;
    }

    @Override
    public void saveClock(MonitorState state) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state
                        SET origin = :origin, watermark = :watermark, declared = :declared, reached_at = :reachedAt, believed = :believed,
                            ahead = :ahead, behind = :behind, apart_from = :apartFromMillis, quarantined = :quarantined, quarantine_cause = :causeOrNull,
                            processed = :processed, windows_till = :windowsTill, sliced_till = :slicedTillMillis
                        WHERE project = :project AND deployment = :deployment
                        """)
                .bindMethods(state)
                .bindMethods(state.clock())
                .bindMethods(state.clock().apart())
                .bind("apartFromMillis", millis(state.clock().apart().from()))
                .bind("causeOrNull", state.clock().cause().map(Enum::name).orElse(null))
                .bind("slicedTillMillis", millis(state.slicedTill()))
                .execute());
    }

    private static @Nullable Long millis(Optional<Instant> time) {
        return time.map(Instant::toEpochMilli).orElse(null);
    }

    @Override
    public void declareWatermark(String project, String deployment, Instant watermark, Instant declaredAt) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state
                        SET watermark = CASE WHEN declared AND watermark > :watermark THEN watermark ELSE :watermark END,
                            declared = TRUE, reached_at = :declaredAt
                        WHERE project = :project AND deployment = :deployment
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("watermark", watermark)
                .bind("declaredAt", declaredAt)
                .execute());
    }

    @Override
    public void saveHalt(String project, String deployment, Optional<MonitorState.Halt> halt) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state SET halt_reason = :reason, halted_since = :since
                        WHERE project = :project AND deployment = :deployment
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("reason", halt.map(MonitorState.Halt::reason).orElse(null))
                .bind("since", millis(halt.map(MonitorState.Halt::since)))
                .execute());
    }

    @Override
    public long halted() {
        return database.reading(
                handle -> handle.createQuery("SELECT count(*) FROM monitor_state WHERE halt_reason IS NOT NULL")
                        .mapTo(Long.class)
                        .one());
    }

    @Override
    public void countLateLabels(String project, String deployment, int count) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state SET late_labels = late_labels + :count
                        WHERE project = :project AND deployment = :deployment
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("count", count)
                .execute());
    }

    @Override
    public void addWindow(String project, String deployment, ClosedWindow window, Instant closedAt) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_window (project, deployment, starts_at, ends_at, version, row_count, labelled,
                                                    error, reference_error, degraded, broken, faults, drift, profile,
                                                    closed_at)
                        VALUES (:project, :deployment, :startsAt, :endsAt, :version, :rows, :labelled,
                                :errorOrNull, :referenceOrNull, :degraded, :broken, :faultsJson, :driftJson, :profileJson,
                                :closedAt)
                        """)
                .bindMethods(window)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("errorOrNull", window.error().orElse(null))
                .bind("referenceOrNull", window.referenceError().orElse(null))
                .bind("faultsJson", Json.write(window.faults()))
                .bind("driftJson", Json.write(window.drift()))
                .bind("profileJson", Json.write(window.profile()))
                .bind("closedAt", closedAt)
                .execute());
    }

    @Override
    public List<ClosedWindow> newestWindows(
            String project, String deployment, Instant endedAfter, Instant endedBefore, int limit) {
        return database.reading(handle -> handle.createQuery("""
                                SELECT * FROM monitor_window
                                WHERE project = :project AND deployment = :deployment
                                  AND ends_at > :after AND ends_at < :before
                                ORDER BY starts_at DESC LIMIT :limit
                                """)
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("after", endedAfter)
                        .bind("before", endedBefore)
                        .bind("limit", limit)
                        .map((row, context) -> window(row))
                        .list())
                .reversed();
    }

    @Override
    public Optional<Double> lastReference(String project, String deployment, int version, Instant endedAfter) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT reference_error FROM monitor_window
                        WHERE project = :project AND deployment = :deployment AND version = :version
                          AND ends_at > :after AND reference_error IS NOT NULL
                        ORDER BY ends_at DESC LIMIT 1
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("version", version)
                .bind("after", endedAfter)
                .mapTo(Double.class)
                .findOne());
    }

    @Override
    public List<ClosedWindow> firstMeasuredWindows(
            String project, String deployment, int version, Instant endedAfter, int limit) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM monitor_window
                        WHERE project = :project AND deployment = :deployment AND version = :version
                          AND ends_at > :after AND error IS NOT NULL AND NOT broken
                        ORDER BY ends_at LIMIT :limit
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("version", version)
                .bind("after", endedAfter)
                .bind("limit", limit)
                .map((row, context) -> window(row))
                .list());
    }

    @Override
    public Portion<ClosedWindow> windowsPage(String project, String deployment, Instant endedBefore, int limit) {
        String search = """
                SELECT * FROM monitor_window
                WHERE project = :project AND deployment = :deployment AND ends_at < :before
                ORDER BY starts_at DESC LIMIT :limit
                """;
        Portion<ClosedWindow> newestFirst = RowBytes.page(
                database,
                limit,
                handle -> handle.createQuery(RowBytes.weighing("x.starts_at", WINDOW_BYTES, search))
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("before", endedBefore)
                        .bind("limit", limit + 1),
                (row, context) -> Columns.instant(row, "starts_at"),
                (handle, fitting) -> RowBytes.inOrder(
                        fitting.keys(),
                        handle.createQuery("""
                                        SELECT * FROM monitor_window
                                        WHERE project = :project AND deployment = :deployment AND starts_at IN (<starts>)
                                        """)
                                .bind("project", project)
                                .bind("deployment", deployment)
                                .bindList("starts", fitting.keys())
                                .map((row, context) -> window(row))
                                .list(),
                        ClosedWindow::startsAt));
        return new Portion<>(newestFirst.items().reversed(), newestFirst.more());
    }

    @SuppressWarnings("unchecked")
    private static ClosedWindow window(ResultSet row) throws SQLException {
        return new ClosedWindow(
                Columns.instant(row, "starts_at"),
                Columns.instant(row, "ends_at"),
                row.getInt("version"),
                row.getLong("row_count"),
                row.getLong("labelled"),
                Columns.optionalNumber(row, "error"),
                Columns.optionalNumber(row, "reference_error"),
                row.getBoolean("degraded"),
                row.getBoolean("broken"),
                List.of(Json.read(row.getString("faults"), ColumnFault[].class)),
                (Map<String, Object>) Json.read(row.getString("drift"), Map.class),
                (Map<String, Object>) Json.read(row.getString("profile"), Map.class));
    }

    @Override
    public void forget(String project, String deployment, Instant at) {
        for (String table : FORGOTTEN) {
            database.writing(handle -> handle.createUpdate(
                            "DELETE FROM " + table + " WHERE project = :project AND deployment = :deployment")
                    .bind("project", project)
                    .bind("deployment", deployment)
                    .execute());
        }
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_gone (project, deployment, gone_at) VALUES (:project, :deployment, :at)
                        ON CONFLICT (project, deployment) DO UPDATE SET gone_at = excluded.gone_at
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("at", at)
                .execute());
    }

    @Override
    public List<Gone> gone() {
        return database.reading(handle -> handle.createQuery("SELECT * FROM monitor_gone ORDER BY gone_at")
                .map((row, context) -> gone(row))
                .list());
    }

    @Override
    public Optional<Gone> findGone(String project, String deployment) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM monitor_gone WHERE project = :project AND deployment = :deployment")
                .bind("project", project)
                .bind("deployment", deployment)
                .map((row, context) -> gone(row))
                .findOne());
    }

    private static Gone gone(ResultSet row) throws SQLException {
        return new Gone(row.getString("project"), row.getString("deployment"), Columns.instant(row, "gone_at"));
    }

    @Override
    public boolean hold(Gone gone) {
        return database.writing(
                        handle -> handle.createUpdate("""
                                UPDATE monitor_gone SET gone_at = gone_at
                                WHERE project = :project AND deployment = :deployment AND gone_at = :at
                                """).bindMethods(gone).execute())
                == 1;
    }

    @Override
    public void settle(Gone gone) {
        database.writing(handle -> handle.createUpdate("""
                        DELETE FROM monitor_gone
                        WHERE project = :project AND deployment = :deployment AND gone_at = :at
                        """).bindMethods(gone).execute());
    }

    @Override
    public void dateUndated(Instant now) {
        database.writing(handle -> handle.createUpdate("UPDATE monitor_window SET closed_at = :now WHERE closed_at = 0")
                .bind("now", now)
                .execute());
    }

    @Override
    public int deleteWindowsBefore(Instant time, int limit) {
        return Deletions.oldest(database, "monitor_window", WINDOW_KEY, "closed_at", time, limit);
    }
}
