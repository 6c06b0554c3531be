package dev.tidemill.tracking.store;

import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.domain.Tracking.Span;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatements;

/** Runs in the database. */
public final class SqlRunStore implements RunStore {
    /** Of how many runs the names are gathered. */
    private static final int NAMED_RUNS = 500;

    private static final int MOST_OF_PAGE = 5_000;

    private final Database database;
    private final MetricNames names;
    private final SqlMetricStore metrics;

    public SqlRunStore(Database database) {
        this.database = database;
        this.names = new MetricNames(database);
        this.metrics = new SqlMetricStore(database, names);
    }

    /** Forgets what it remembers of the database; for after a reset. */
    public void forget() {
        names.forget();
    }

    @Override
    public boolean insert(Run run) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO run (id, project, experiment_id, name, source_key, user_name, status, deleted,
                                                 started_at, artifacts)
                                VALUES (:id, :project, :experimentId, :name, :source, :user, :status, FALSE,
                                        :startedAt, :artifacts)
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
        return where("project = :project AND id = :value", project, id.value(), Reach.PAGE, 1).runs().stream()
                .findFirst();
    }

    @Override
    public Optional<Run> findInfo(String project, RunId id) {
        return database.reading(handle -> handle.createQuery("SELECT * FROM run WHERE project = :project AND id = :id")
                .bind("project", project)
                .bind("id", id)
                .map((row, context) -> run(row))
                .findOne());
    }

    @Override
    public Optional<RunState> findState(String project, RunId id) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT number, experiment_id, deleted FROM run WHERE project = :project AND id = :id")
                .bind("project", project)
                .bind("id", id)
                .map((row, context) -> new RunState(
                        row.getLong("number"), id, row.getLong("experiment_id"), row.getBoolean("deleted")))
                .findOne());
    }

    @Override
    public Optional<Run> findBySource(String project, String sourceKey) {
        return where("project = :project AND source_key = :value", project, sourceKey, Reach.PAGE, 1).runs().stream()
                .findFirst();
    }

    @Override
    public Found newest(String project, Optional<Long> experiment, Optional<String> before, int limit) {
        String condition = "project = :project AND NOT deleted"
                + experiment.map(id -> " AND experiment_id = " + id).orElse("")
                + before.map(id -> " AND id < :value").orElse("")
                + " ORDER BY id DESC";
        // Of a project the index of ids gives the newest; those of one experiment may be few among very many.
        return where(condition, project, before.orElse(""), Reach.of(experiment.isEmpty()), limit);
    }

    private Found where(String condition, String project, String value, Reach reach, int limit) {
        return found(
                "SELECT * FROM run WHERE " + condition + " LIMIT " + (limit + 1),
                query -> query.bind("project", project).bind("value", value),
                reach,
                limit);
    }

    /**
     * Runs that a query names, complete: as many as fit on a page, counted to the request that asks for them.
     *
     * @param search gives one run more than asked for, which tells whether another page follows
     */
    private Found found(String search, UnaryOperator<Query> bind, Reach reach, int most) {
        Portion<Run> found = RowBytes.searchedPage(
                database,
                reach,
                most,
                handle -> {
                    database.dialect().boundPlanning(handle);
                    return bind.apply(handle.createQuery(RowBytes.weighing("x.*", RunRows.BYTES, search)));
                },
                (row, context) -> new RunRows.Bare(row.getLong("number"), run(row)),
                (handle, fitting) -> RunRows.complete(handle, database.dialect(), names, fitting));
        RowBytes.take(RunRows.beyond(found.items()));
        return new Found(found.items(), found.more());
    }

    @Override
    public Found search(
            String project,
            Collection<Long> experiments,
            Lifecycle lifecycle,
            List<Comparison> filter,
            List<Ordering> order,
            Start start,
            int limit) {
        int most = Math.min(limit, MOST_OF_PAGE);
        var search = runSearch();
        // One run more than asked for tells whether another page follows.
        String sql = search.write(project, experiments, lifecycle, filter, order, start, most + 1);
        // Deleted runs may be few among very many, and runs of several experiments are sorted all.
        boolean indexed = filter.isEmpty()
                && RunSearchSql.isNewestFirst(order, "start_time")
                && isFrom(start)
                && experiments.size() == 1
                && lifecycle != Lifecycle.DELETED_ONLY;
        return found(sql, search.values()::bindAll, Reach.of(indexed), most);
    }

    @Override
    public List<RunId> ids(
            String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter, int limit) {
        var search = runSearch();
        String sql = search.write(project, experiments, lifecycle, filter, List.of(), Start.BEGINNING, limit);
        return database.searching(handle -> {
            database.dialect().boundPlanning(handle);
            return search.values()
                    .bindAll(handle.createQuery("SELECT id FROM (" + sql + ") found"))
                    .map((row, context) -> new RunId(row.getString(1)))
                    .list();
        });
    }

    /** Whether a page begins where an index leads to: at the first row or behind another, and not after so many that are skipped. */
    static boolean isFrom(Start start) {
        return start.last().isPresent() || start.offset() == 0;
    }

    private RunSearchSql runSearch() {
        return new RunSearchSql(
                database.dialect(),
                names::find,
                (sql, values) -> database.searching(handle -> {
                    database.dialect().boundPlanning(handle);
                    return values.bindAll(handle.createQuery(sql)
                                    .configure(SqlStatements.class, config -> config.setUnusedBindingAllowed(true)))
                            .mapTo(Long.class)
                            .one();
                }));
    }

    @Override
    public long count(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter) {
        var search = runSearch();
        String sql = search.count(project, experiments, lifecycle, filter);
        return database.searching(handle -> {
            database.dialect().boundPlanning(handle);
            return search.values()
                    .bindAll(handle.createQuery(sql))
                    .mapTo(Long.class)
                    .one();
        });
    }

    @Override
    public Names names(String project, Collection<Long> experiments) {
        var condition = new SqlCondition(database.dialect());
        condition.and("project = " + condition.bind(project));
        condition.and("NOT deleted");
        condition.and(condition.among("experiment_id", experiments));
        String newest = "(SELECT number FROM run" + condition + " ORDER BY started_at DESC LIMIT " + NAMED_RUNS + ")";
        Function<Handle, Names> gather = handle -> new Names(
                names(
                        handle,
                        condition,
                        "SELECT name FROM metric_name WHERE number IN"
                                + " (SELECT DISTINCT metric FROM metric_newest WHERE run IN " + newest + ")"),
                names(handle, condition, "SELECT DISTINCT name FROM param WHERE run IN " + newest),
                names(handle, condition, "SELECT DISTINCT name FROM tag WHERE run IN " + newest));
        return experiments.size() == 1 ? database.reading(gather) : database.searching(gather);
    }

    private static List<String> names(Handle handle, SqlCondition condition, String sql) {
        return condition
                .bindAll(handle.createQuery(sql + " ORDER BY name LIMIT 20000"))
                .mapTo(String.class)
                .list();
    }

    private static Run run(ResultSet row) throws SQLException {
        return new Run(
                new RunId(row.getString("id")),
                row.getString("project"),
                row.getLong("experiment_id"),
                row.getString("name"),
                Columns.optionalText(row, "source_key"),
                row.getString("user_name"),
                Run.Status.valueOf(row.getString("status")),
                row.getBoolean("deleted"),
                Columns.instant(row, "started_at"),
                Columns.optionalInstant(row, "ended_at"),
                row.getString("artifacts"),
                Columns.optionalText(row, "model_digest"),
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                List.of());
    }

    @Override
    public Map<String, String> addParams(RunState run, Map<String, String> params) {
        return database.writing(handle -> {
            Map<String, String> there = new HashMap<>();
            handle.createQuery("SELECT name, value FROM param WHERE run = :run AND name IN (<names>)")
                    .bind("run", run.number())
                    .bindList("names", List.copyOf(params.keySet()))
                    .map((row, context) -> there.put(row.getString("name"), row.getString("value")))
                    .list();
            var other = new TreeMap<String, String>();
            there.forEach((name, value) -> {
                if (!value.equals(params.get(name))) {
                    other.put(name, value);
                }
            });
            if (other.isEmpty()) {
                putTexts("param", run, params, "DO NOTHING");
            }
            return other;
        });
    }

    @Override
    public void putTags(RunState run, Map<String, String> tags) {
        putTexts("tag", run, tags, "DO UPDATE SET value = excluded.value");
    }

    private void putTexts(String table, RunState run, Map<String, String> texts, String onConflict) {
        if (texts.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("INSERT INTO " + table
                    + " (run, name, value) VALUES (:run, :name, :value) ON CONFLICT (run, name) " + onConflict);
            // In one order for all writers, so that two of them never wait for each other.
            new TreeMap<>(texts)
                    .forEach((name, value) -> batch.bind("run", run.number())
                            .bind("name", name)
                            .bind("value", value)
                            .add());
            return batch.execute();
        });
    }

    @Override
    public boolean removeTag(RunState run, String name) {
        return database.writing(handle -> handle.createUpdate("DELETE FROM tag WHERE run = :run AND name = :name")
                        .bind("run", run.number())
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @Override
    public void addPoints(RunState run, List<MetricPoint> points) {
        metrics.add(run, points);
    }

    @Override
    public List<MetricPoint> history(
            RunState run, String metric, boolean byStep, Optional<MetricPoint> after, int limit) {
        return metrics.history(run, metric, byStep, after, limit);
    }

    @Override
    public boolean timesFall(RunState run, String metric) {
        return metrics.timesFall(run, metric);
    }

    @Override
    public void eachPoint(RunState run, String metric, Consumer<MetricPoint> each) {
        metrics.each(run, metric, each);
    }

    @Override
    public List<MetricPoint> envelope(RunState run, String metric, Span span, int buckets) {
        return metrics.envelope(run, metric, span, buckets);
    }

    @Override
    public List<MetricPoint> sample(RunState run, String metric, Span span, int most) {
        return metrics.sample(run, metric, span, most);
    }

    @Override
    public void addInputs(RunState run, List<DataSetInput> inputs) {
        database.writing(handle -> {
            for (DataSetInput input : inputs) {
                handle.createUpdate("""
                                INSERT INTO data_set_input (experiment_id, name, digest, source_type, source, schema_text, profile)
                                VALUES (:experiment, :name, :digest, :sourceType, :source, :schema, :profile)
                                ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(input)
                        .bind("experiment", run.experimentId())
                        .execute();
                handle.createUpdate("""
                                INSERT INTO run_input (run, data_set, tags, context)
                                SELECT :run, number, :tagsJson, :context FROM data_set_input
                                WHERE experiment_id = :experiment AND name = :name AND digest = :digest
                                ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(input)
                        .bind("run", run.number())
                        .bind("experiment", run.experimentId())
                        .bind("tagsJson", Json.write(input.tags()))
                        .bind("context", input.tags().getOrDefault("mlflow.data.context", ""))
                        .execute();
            }
            return true;
        });
    }

    @Override
    public void addModels(RunState run, List<ModelLink> models) {
        database.writing(handle -> {
            for (ModelLink link : models) {
                handle.createUpdate("""
                                INSERT INTO run_model (run, model_id, is_output, step)
                                VALUES (:run, :modelId, :output, :step) ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(link)
                        .bind("run", run.number())
                        .execute();
            }
            return true;
        });
    }

    @Override
    public void update(RunState run, Optional<String> name, Optional<Run.Status> status, Optional<Instant> endedAt) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE run SET name = COALESCE(:name, name), status = COALESCE(:status, status),
                                       ended_at = COALESCE(CAST(:endedAt AS BIGINT), ended_at)
                        WHERE number = :run
                        """)
                .bind("name", name.orElse(null))
                .bind("status", status.map(Run.Status::name).orElse(null))
                .bind("endedAt", endedAt.map(Instant::toEpochMilli).orElse(null))
                .bind("run", run.number())
                .execute());
    }

    @Override
    public void setModelDigest(RunState run, Optional<String> digest) {
        database.writing(handle -> handle.createUpdate("UPDATE run SET model_digest = :digest WHERE number = :run")
                .bind("digest", digest.orElse(null))
                .bind("run", run.number())
                .execute());
    }

    @Override
    public void setDeleted(RunState run, boolean deleted, Instant at) {
        setDeleted("number = :value", run.number(), deleted, at);
    }

    @Override
    public void setDeletedIn(long experiment, boolean deleted, Instant at) {
        setDeleted("experiment_id = :value", experiment, deleted, at);
    }

    private void setDeleted(String condition, long value, boolean deleted, Instant at) {
        database.writing(
                handle -> handle.createUpdate("UPDATE run SET deleted = :deleted, deleted_at = :at WHERE " + condition)
                        .bind("deleted", deleted)
                        .bind("at", deleted ? at.toEpochMilli() : null)
                        .bind("value", value)
                        .execute());
    }
}
