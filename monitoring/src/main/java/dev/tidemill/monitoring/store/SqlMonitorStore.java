package dev.tidemill.monitoring.store;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Monitoring in the database. */
public final class SqlMonitorStore implements MonitorStore {
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
    public void addPredictions(List<Prediction> predictions) {
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO prediction (project, deployment, id, event_time, received_at, features, challenger_served,
                                            champion_version, champion_output, challenger_version, challenger_output,
                                            challenger_error)
                    VALUES (:project, :deployment, :id, :eventTime, :receivedAt, :featuresJson, :challengerServed,
                            :championVersion, :championJson, :challengerVersionOrNull, :challengerJson,
                            :challengerErrorOrNull)
                    ON CONFLICT DO NOTHING
                    """);
            for (Prediction prediction : predictions) {
                batch.bindMethods(prediction)
                        .bind("featuresJson", Json.write(prediction.features()))
                        .bind("championJson", Json.write(prediction.champion()))
                        .bind(
                                "challengerVersionOrNull",
                                prediction.challengerVersion().orElse(null))
                        .bind("challengerJson", Json.write(prediction.challenger()))
                        .bind(
                                "challengerErrorOrNull",
                                prediction.challengerError().orElse(null))
                        .add();
            }
            return batch.execute();
        });
    }

    @Override
    public Optional<JournalRow> findRow(String project, String deployment, String id) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM prediction WHERE project = :project AND deployment = :deployment AND id = :id
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("id", id)
                .map((row, context) -> row(row))
                .findOne());
    }

    @Override
    public void label(
            String project,
            String deployment,
            String id,
            String label,
            Instant at,
            Optional<Double> championLoss,
            Optional<Double> challengerLoss) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE prediction
                        SET label = :label, labelled_at = :at, champion_loss = :championLoss,
                            challenger_loss = :challengerLoss
                        WHERE project = :project AND deployment = :deployment AND id = :id AND label IS NULL
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("id", id)
                .bind("label", label)
                .bind("at", at)
                .bind("championLoss", championLoss.orElse(null))
                .bind("challengerLoss", challengerLoss.orElse(null))
                .execute());
    }

    @Override
    public List<JournalRow> rows(String project, String deployment, Instant from, Instant until) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM prediction
                        WHERE project = :project AND deployment = :deployment
                          AND event_time >= :from AND event_time < :until
                        ORDER BY event_time, id
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("from", from)
                .bind("until", until)
                .map((row, context) -> row(row))
                .list());
    }

    @Override
    public Reliability reliability(String project, String deployment, int challenger, Instant from, Instant until) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT count(*) AS asked, count(challenger_error) AS failed FROM prediction
                        WHERE project = :project AND deployment = :deployment
                          AND event_time >= :from AND event_time < :until AND challenger_version = :challenger
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("from", from)
                .bind("until", until)
                .bind("challenger", challenger)
                .map((row, context) -> new Reliability(row.getLong("asked"), row.getLong("failed")))
                .one());
    }

    @SuppressWarnings("unchecked")
    private static JournalRow row(ResultSet row) throws SQLException {
        return new JournalRow(
                row.getString("id"),
                Columns.instant(row, "event_time"),
                (Map<String, Object>) Json.read(row.getString("features"), Map.class),
                row.getBoolean("challenger_served"),
                row.getInt("champion_version"),
                List.of(Json.read(row.getString("champion_output"), Double[].class)),
                Columns.optionalLong(row, "challenger_version").map(Long::intValue),
                List.of(Json.read(row.getString("challenger_output"), Double[].class)),
                Columns.optionalText(row, "label"),
                Columns.optionalNumber(row, "champion_loss"),
                Columns.optionalNumber(row, "challenger_loss"));
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

    private static MonitorState state(ResultSet row) throws SQLException {
        return new MonitorState(
                row.getString("project"),
                row.getString("deployment"),
                Columns.instant(row, "origin"),
                Columns.instant(row, "watermark"),
                row.getBoolean("declared"),
                Columns.instant(row, "processed"),
                Columns.instant(row, "windows_till"),
                Columns.optionalText(row, "pending_run"),
                Columns.optionalInstant(row, "trained_till"));
    }

    @Override
    public void createState(MonitorState state) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_state (project, deployment, origin, watermark, declared, processed,
                                                   windows_till, trained_till)
                        VALUES (:project, :deployment, :origin, :watermark, :declared, :processed,
                                :windowsTill, :trainedTillMillis)
                        ON CONFLICT DO NOTHING
                        """)
                .bindMethods(state)
                .bind(
                        "trainedTillMillis",
                        state.trainedTill().map(Instant::toEpochMilli).orElse(null))
                .execute());
    }

    @Override
    public void saveState(MonitorState state) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_state
                        SET processed = :processed, windows_till = :windowsTill, pending_run = :pendingRunOrNull,
                            trained_till = :trainedTillMillis
                        WHERE project = :project AND deployment = :deployment
                        """)
                .bindMethods(state)
                .bind("pendingRunOrNull", state.pendingRun().orElse(null))
                .bind(
                        "trainedTillMillis",
                        state.trainedTill().map(Instant::toEpochMilli).orElse(null))
                .execute());
    }

    @Override
    public void moveWatermark(String project, String deployment, Instant watermark, boolean declared) {
        String sql = declared ? """
                  UPDATE monitor_state
                  SET watermark = CASE WHEN declared AND watermark > :watermark THEN watermark ELSE :watermark END,
                      declared = TRUE
                  WHERE project = :project AND deployment = :deployment
                  """ : """
                  UPDATE monitor_state SET watermark = :watermark
                  WHERE project = :project AND deployment = :deployment AND watermark < :watermark AND NOT declared
                  """;
        database.writing(handle -> handle.createUpdate(sql)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("watermark", watermark)
                .execute());
    }

    @Override
    public void addWindow(String project, String deployment, ClosedWindow window) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_window (project, deployment, starts_at, ends_at, version, row_count, labelled,
                                                    error, reference_error, degraded, broken, drift, profile)
                        VALUES (:project, :deployment, :startsAt, :endsAt, :version, :rows, :labelled,
                                :errorOrNull, :referenceOrNull, :degraded, :broken, :driftJson, :profileJson)
                        """)
                .bindMethods(window)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("errorOrNull", window.error().orElse(null))
                .bind("referenceOrNull", window.referenceError().orElse(null))
                .bind("driftJson", Json.write(window.drift()))
                .bind("profileJson", Json.write(window.profile()))
                .execute());
    }

    @Override
    @SuppressWarnings("unchecked")
    public List<ClosedWindow> windows(String project, String deployment) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM monitor_window WHERE project = :project AND deployment = :deployment
                        ORDER BY starts_at
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .map((row, context) -> new ClosedWindow(
                        Columns.instant(row, "starts_at"),
                        Columns.instant(row, "ends_at"),
                        row.getInt("version"),
                        row.getLong("row_count"),
                        row.getLong("labelled"),
                        Columns.optionalNumber(row, "error"),
                        Columns.optionalNumber(row, "reference_error"),
                        row.getBoolean("degraded"),
                        row.getBoolean("broken"),
                        (Map<String, Object>) Json.read(row.getString("drift"), Map.class),
                        (Map<String, Object>) Json.read(row.getString("profile"), Map.class)))
                .list());
    }
}
