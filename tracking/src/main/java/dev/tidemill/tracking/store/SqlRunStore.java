package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.domain.Experiment;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Runs in the database. */
public final class SqlRunStore implements RunStore {
    private final Database database;

    public SqlRunStore(Database database) {
        this.database = database;
    }

    @Override
    public Experiment experiment(String project, String name, Instant now) {
        return database.writing(handle -> {
            handle.createUpdate("""
                            INSERT INTO experiment (project, name, created_at) VALUES (:project, :name, :now)
                            ON CONFLICT (project, name) DO NOTHING
                            """)
                    .bind("project", project)
                    .bind("name", name)
                    .bind("now", now)
                    .execute();
            return handle.createQuery("SELECT * FROM experiment WHERE project = :project AND name = :name")
                    .bind("project", project)
                    .bind("name", name)
                    .map((row, context) -> experiment(row))
                    .one();
        });
    }

    @Override
    public List<Experiment> experiments(String project) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM experiment WHERE project = :project ORDER BY id")
                        .bind("project", project)
                        .map((row, context) -> experiment(row))
                        .list());
    }

    private static Experiment experiment(ResultSet row) throws SQLException {
        return new Experiment(
                row.getLong("id"), row.getString("project"), row.getString("name"), Columns.instant(row, "created_at"));
    }

    @Override
    public boolean insert(Run run) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO tracked_run (id, project, experiment_id, name, source_key, status, started_at)
                                VALUES (:id, :project, :experimentId, :name, :source, :status, :startedAt)
                                ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(run)
                        .bind("id", run.id())
                        .bind("source", run.sourceKey().orElse(null))
                        .execute())
                > 0;
    }

    @Override
    public Optional<Run> find(String project, RunId id) {
        return where("project = :project AND id = :value", project, id.value(), 1).stream()
                .findFirst();
    }

    @Override
    public Optional<Run> findBySource(String project, String sourceKey) {
        return where("project = :project AND source_key = :value", project, sourceKey, 1).stream()
                .findFirst();
    }

    @Override
    public List<Run> newest(String project, Optional<Long> experiment, Optional<String> before, int limit) {
        String condition = "project = :project"
                + experiment.map(id -> " AND experiment_id = " + id).orElse("")
                + before.map(id -> " AND id < :value").orElse("")
                + " ORDER BY id DESC";
        return where(condition, project, before.orElse(""), limit);
    }

    private List<Run> where(String condition, String project, String value, int limit) {
        return database.reading(handle -> {
            List<Run> bare = handle.createQuery("SELECT * FROM tracked_run WHERE " + condition + " LIMIT :limit")
                    .bind("project", project)
                    .bind("value", value)
                    .bind("limit", limit)
                    .map((row, context) -> run(row))
                    .list();
            return bare.isEmpty() ? bare : complete(handle, bare);
        });
    }

    /** Params, metrics and tags of all runs in three queries, however many runs there are. */
    private static List<Run> complete(Handle handle, List<Run> runs) {
        List<String> ids = runs.stream().map(run -> run.id().value()).toList();
        var params = texts(handle, "run_param", ids);
        var tags = texts(handle, "run_tag", ids);
        var metrics = new HashMap<String, Map<String, Double>>();
        handle.createQuery("SELECT run_id, name, value FROM metric_latest WHERE run_id IN (<ids>)")
                .bindList("ids", ids)
                .map((row, context) -> metrics.computeIfAbsent(row.getString("run_id"), id -> new TreeMap<>())
                        .put(row.getString("name"), row.getDouble("value")))
                .list();
        return runs.stream()
                .map(run -> new Run(
                        run.id(),
                        run.project(),
                        run.experimentId(),
                        run.name(),
                        run.sourceKey(),
                        run.status(),
                        run.startedAt(),
                        run.endedAt(),
                        run.modelDigest(),
                        params.getOrDefault(run.id().value(), Map.of()),
                        metrics.getOrDefault(run.id().value(), Map.of()),
                        tags.getOrDefault(run.id().value(), Map.of())))
                .toList();
    }

    private static Map<String, Map<String, String>> texts(Handle handle, String table, List<String> ids) {
        var texts = new HashMap<String, Map<String, String>>();
        handle.createQuery("SELECT run_id, name, value FROM " + table + " WHERE run_id IN (<ids>)")
                .bindList("ids", ids)
                .map((row, context) -> texts.computeIfAbsent(row.getString("run_id"), id -> new TreeMap<>())
                        .put(row.getString("name"), row.getString("value")))
                .list();
        return texts;
    }

    private static Run run(ResultSet row) throws SQLException {
        return new Run(
                new RunId(row.getString("id")),
                row.getString("project"),
                row.getLong("experiment_id"),
                row.getString("name"),
                Columns.optionalText(row, "source_key"),
                Run.Status.valueOf(row.getString("status")),
                Columns.instant(row, "started_at"),
                Columns.optionalInstant(row, "ended_at"),
                Columns.optionalText(row, "model_digest"),
                Map.of(),
                Map.of(),
                Map.of());
    }

    @Override
    public void putParams(RunId run, Map<String, String> params) {
        putTexts("run_param", run, params);
    }

    @Override
    public void putTags(RunId run, Map<String, String> tags) {
        putTexts("run_tag", run, tags);
    }

    private void putTexts(String table, RunId run, Map<String, String> texts) {
        if (texts.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("INSERT INTO " + table + " (run_id, name, value)"
                    + " VALUES (:run, :name, :value)"
                    + " ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value");
            texts.forEach((name, value) -> batch.bind("run", run)
                    .bind("name", name)
                    .bind("value", value)
                    .add());
            return batch.execute();
        });
    }

    @Override
    public void addPoints(RunId run, List<MetricPoint> points) {
        if (points.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO metric_point (run_id, name, step, recorded_at, value)
                    VALUES (:run, :name, :step, :recordedAt, :value)
                    ON CONFLICT DO NOTHING
                    """);
            PreparedBatch latest = handle.prepareBatch("""
                    INSERT INTO metric_latest (run_id, name, step, recorded_at, value)
                    VALUES (:run, :name, :step, :recordedAt, :value)
                    ON CONFLICT (run_id, name) DO UPDATE
                    SET step = excluded.step, recorded_at = excluded.recorded_at, value = excluded.value
                    WHERE (excluded.step, excluded.recorded_at, excluded.value)
                        > (metric_latest.step, metric_latest.recorded_at, metric_latest.value)
                    """);
            for (MetricPoint point : points) {
                batch.bind("run", run).bindMethods(point).add();
                latest.bind("run", run).bindMethods(point).add();
            }
            batch.execute();
            return latest.execute();
        });
    }

    @Override
    public List<MetricPoint> history(RunId run, String metric, int limit) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM metric_point WHERE run_id = :run AND name = :metric
                        ORDER BY step, recorded_at, value LIMIT :limit
                        """)
                .bind("run", run)
                .bind("metric", metric)
                .bind("limit", limit)
                .map((row, context) -> new MetricPoint(
                        row.getString("name"),
                        row.getLong("step"),
                        Columns.instant(row, "recorded_at"),
                        row.getDouble("value")))
                .list());
    }

    @Override
    public void finish(RunId run, Run.Status status, Instant at, Optional<String> modelDigest) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE tracked_run SET status = :status, ended_at = :at, model_digest = :digest WHERE id = :run
                        """)
                .bind("status", status)
                .bind("at", at)
                .bind("digest", modelDigest.orElse(null))
                .bind("run", run)
                .execute());
    }
}
