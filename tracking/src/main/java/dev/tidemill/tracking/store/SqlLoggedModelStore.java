package dev.tidemill.tracking.store;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.LoggedModelStore;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.SearchKeys;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** Logged models in the database. */
public final class SqlLoggedModelStore implements LoggedModelStore {
    private static final Map<String, String> COLUMNS = Map.of(
            "name", "m.name",
            "model_id", "m.id",
            "model_type", "m.model_type",
            "status", "m.status",
            "source_run_id", "m.source_run",
            "creation_timestamp", "m.created_at",
            "last_updated_timestamp", "m.updated_at");

    private static final NamedTexts TEXTS = new NamedTexts("logged_model_text", "model_id");

    /** What a model and what belongs to it take, of a query for models called {@code x}. */
    private static final String BYTES = String.join(
            " + ",
            RowBytes.of("x.status_message"),
            RowBytes.sum("logged_model_text y WHERE y.model_id = x.id", "y.value"),
            RowBytes.sum("logged_model_metric y WHERE y.model_id = x.id"));

    private final Database database;

    public SqlLoggedModelStore(Database database) {
        this.database = database;
    }

    @Override
    public void insert(LoggedModel model) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO logged_model (id, project, experiment_id, name, model_type, status, status_message,
                                                  source_run, artifacts, deleted, created_at, updated_at)
                        VALUES (:id, :project, :experimentId, :name, :modelType, :status, :statusMessage,
                                :sourceRun, :artifacts, FALSE, :createdAt, :updatedAt)
                        """).bindMethods(model).execute());
    }

    @Override
    public Optional<LoggedModel> find(String project, String id) {
        return page(
                        "SELECT * FROM logged_model WHERE project = :project AND id = :id AND NOT deleted",
                        query -> query.bind("project", project).bind("id", id),
                        Reach.PAGE,
                        1)
                .items()
                .stream()
                .findFirst();
    }

    /** @param search gives one model more than asked for where there is one */
    private Portion<LoggedModel> page(String search, UnaryOperator<Query> bind, Reach reach, int most) {
        return RowBytes.searchedPage(
                database,
                reach,
                most,
                handle -> bind.apply(handle.createQuery(RowBytes.weighing("x.*", BYTES, search))),
                (row, context) -> model(row),
                (handle, fitting) -> complete(handle, fitting.keys()));
    }

    @Override
    public void finish(String id, LoggedModel.Status status, Instant at) {
        database.writing(handle -> handle.createUpdate(
                        "UPDATE logged_model SET status = :status, updated_at = :at WHERE id = :id")
                .bind("status", status)
                .bind("at", at)
                .bind("id", id)
                .execute());
    }

    @Override
    public void markDeleted(String id, Instant at) {
        database.writing(
                handle -> handle.createUpdate("UPDATE logged_model SET deleted = TRUE, updated_at = :at WHERE id = :id")
                        .bind("at", at)
                        .bind("id", id)
                        .execute());
    }

    @Override
    public void putParams(String id, Map<String, String> params) {
        putTexts(id, "param", params);
    }

    @Override
    public void putTags(String id, Map<String, String> tags, Instant at) {
        putTexts(id, "tag", tags);
        database.writing(handle -> handle.createUpdate("UPDATE logged_model SET updated_at = :at WHERE id = :id")
                .bind("at", at)
                .bind("id", id)
                .execute());
    }

    private void putTexts(String id, String kind, Map<String, String> texts) {
        if (texts.isEmpty()) {
            return;
        }
        database.writing(handle -> TEXTS.put(handle, id, kind, texts));
    }

    @Override
    public boolean removeTag(String id, String name) {
        return database.writing(handle -> handle.createUpdate(
                                "DELETE FROM logged_model_text WHERE model_id = :id AND kind = 'tag' AND name = :name")
                        .bind("id", id)
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @Override
    public void addMetrics(String id, List<LoggedModel.Measured> metrics) {
        add(Map.of(id, metrics));
    }

    @Override
    public void addMetrics(String project, Map<String, List<LoggedModel.Measured>> metrics) {
        database.writing(handle -> {
            List<String> there = handle.createQuery(
                            "SELECT id FROM logged_model WHERE project = :project AND id IN (<ids>) AND NOT deleted")
                    .bind("project", project)
                    .bindList("ids", List.copyOf(metrics.keySet()))
                    .mapTo(String.class)
                    .list();
            var kept = new TreeMap<>(metrics);
            kept.keySet().retainAll(there);
            add(kept);
            return true;
        });
    }

    private void add(Map<String, List<LoggedModel.Measured>> metrics) {
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO logged_model_metric (model_id, name, step, run_id, recorded_at, value, is_nan,
                                                     data_set_name, data_set_digest)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """);
            metrics.forEach((id, all) -> all.forEach(measured -> bind(batch, id, measured)));
            return batch.size() == 0 ? new int[0] : batch.execute();
        });
    }

    private static void bind(PreparedBatch batch, String id, LoggedModel.Measured measured) {
        boolean nan = Double.isNaN(measured.point().value());
        batch.bind(0, id)
                .bind(1, measured.point().name())
                .bind(2, measured.point().step())
                .bind(3, measured.runId())
                .bind(4, measured.point().recordedAt().toEpochMilli())
                .bind(5, nan ? 0.0 : Math.clamp(measured.point().value(), -Double.MAX_VALUE, Double.MAX_VALUE))
                .bind(6, nan)
                .bind(7, measured.dataSetName().orElse(""))
                .bind(8, measured.dataSetDigest().orElse(""))
                .add();
    }

    @Override
    public Portion<LoggedModel> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<DataSetRef> dataSets,
            List<Order> order,
            long offset,
            int limit) {
        if (experiments.isEmpty()) {
            return new Portion<>(List.of(), false);
        }
        var condition = new SqlCondition(database.dialect());
        condition.and("m.project = " + condition.bind(project));
        condition.and(condition.among("m.experiment_id", experiments));
        condition.and("NOT m.deleted");
        boolean metricAsked = false;
        for (Comparison clause : filter) {
            metricAsked |= clause.entity().equals(SearchKeys.METRIC);
            condition.and(clause(condition, clause, dataSets));
        }
        if (!metricAsked && !dataSets.isEmpty()) {
            condition.and("EXISTS (SELECT 1 FROM logged_model_metric v WHERE v.model_id = m.id"
                    + on(condition, dataSets) + ")");
        }
        String keys = keys(condition, order);
        boolean indexed =
                filter.isEmpty() && dataSets.isEmpty() && order.isEmpty() && offset == 0 && experiments.size() == 1;
        return page(
                "SELECT m.* FROM logged_model m" + condition + " ORDER BY " + keys + " LIMIT " + (limit + 1)
                        + " OFFSET " + offset,
                condition::bindAll,
                Reach.of(indexed),
                limit);
    }

    private static String clause(SqlCondition condition, Comparison clause, List<DataSetRef> dataSets) {
        return switch (clause.entity()) {
            case SearchKeys.METRIC ->
                "EXISTS (SELECT 1 FROM logged_model_metric v WHERE v.model_id = m.id AND v.name = "
                        + condition.bind(clause.key()) + " AND NOT v.is_nan AND "
                        + condition.compare("v.value", clause.operator(), clause.operand()) + on(condition, dataSets)
                        + ")";
            case SearchKeys.PARAM, SearchKeys.TAG ->
                "EXISTS (SELECT 1 FROM logged_model_text t WHERE t.model_id = m.id AND t.kind = "
                        + condition.bind(clause.entity().equals(SearchKeys.TAG) ? "tag" : "param") + " AND t.name = "
                        + condition.bind(clause.key()) + " AND "
                        + condition.compare("t.value", clause.operator(), clause.operand()) + ")";
            default ->
                condition.compare(String.valueOf(COLUMNS.get(clause.key())), clause.operator(), clause.operand());
        };
    }

    private static String on(SqlCondition condition, List<DataSetRef> dataSets) {
        if (dataSets.isEmpty()) {
            return "";
        }
        var any = new ArrayList<String>();
        for (DataSetRef dataSet : dataSets) {
            any.add("(v.data_set_name = " + condition.bind(dataSet.name())
                    + dataSet.digest()
                            .map(digest -> " AND v.data_set_digest = " + condition.bind(digest))
                            .orElse("") + ")");
        }
        return " AND (" + String.join(" OR ", any) + ")";
    }

    private static String keys(SqlCondition condition, List<Order> order) {
        var keys = new ArrayList<String>();
        for (Order key : order) {
            String expression = key.metric()
                    ? "(SELECT v.value FROM logged_model_metric v WHERE v.model_id = m.id AND NOT v.is_nan AND v.name = "
                            + condition.bind(key.field())
                            + key.dataSetName()
                                    .map(name -> " AND v.data_set_name = " + condition.bind(name))
                                    .orElse("")
                            + key.dataSetDigest()
                                    .map(digest -> " AND v.data_set_digest = " + condition.bind(digest))
                                    .orElse("")
                            + " ORDER BY v.step DESC, v.recorded_at DESC LIMIT 1)"
                    : String.valueOf(COLUMNS.get(key.field()));
            keys.add("CASE WHEN " + expression + " IS NULL THEN 1 ELSE 0 END");
            keys.add(expression + (key.ascending() ? " ASC" : " DESC"));
        }
        keys.add("m.created_at DESC");
        keys.add("m.id ASC");
        return String.join(", ", keys);
    }

    private static List<LoggedModel> complete(Handle handle, List<LoggedModel> bare) {
        if (bare.isEmpty()) {
            return bare;
        }
        List<String> ids = bare.stream().map(LoggedModel::id).toList();
        var params = new HashMap<String, Map<String, String>>();
        var tags = new HashMap<String, Map<String, String>>();
        handle.createQuery("SELECT * FROM logged_model_text WHERE model_id IN (<ids>)")
                .bindList("ids", ids)
                .map((row, context) -> (row.getString("kind").equals("tag") ? tags : params)
                        .computeIfAbsent(row.getString("model_id"), id -> new TreeMap<>())
                        .put(row.getString("name"), row.getString("value")))
                .list();
        var metrics = new HashMap<String, List<LoggedModel.Measured>>();
        handle.createQuery(
                        "SELECT * FROM logged_model_metric WHERE model_id IN (<ids>) ORDER BY name, step, recorded_at")
                .bindList("ids", ids)
                .map((row, context) -> metrics.computeIfAbsent(row.getString("model_id"), id -> new ArrayList<>())
                        .add(measured(row)))
                .list();
        return bare.stream()
                .map(model -> new LoggedModel(
                        model.id(),
                        model.project(),
                        model.experimentId(),
                        model.name(),
                        model.modelType(),
                        model.status(),
                        model.statusMessage(),
                        model.sourceRun(),
                        model.artifacts(),
                        model.deleted(),
                        model.createdAt(),
                        model.updatedAt(),
                        params.getOrDefault(model.id(), Map.of()),
                        tags.getOrDefault(model.id(), Map.of()),
                        metrics.getOrDefault(model.id(), List.of())))
                .toList();
    }

    private static LoggedModel.Measured measured(ResultSet row) throws SQLException {
        return new LoggedModel.Measured(
                new MetricPoint(
                        row.getString("name"),
                        row.getLong("step"),
                        Columns.instant(row, "recorded_at"),
                        row.getBoolean("is_nan") ? Double.NaN : row.getDouble("value")),
                row.getString("run_id"),
                Columns.optionalText(row, "data_set_name").filter(text -> !text.isEmpty()),
                Columns.optionalText(row, "data_set_digest").filter(text -> !text.isEmpty()));
    }

    private static LoggedModel model(ResultSet row) throws SQLException {
        return new LoggedModel(
                row.getString("id"),
                row.getString("project"),
                row.getLong("experiment_id"),
                row.getString("name"),
                row.getString("model_type"),
                LoggedModel.Status.valueOf(row.getString("status")),
                row.getString("status_message"),
                row.getString("source_run"),
                row.getString("artifacts"),
                row.getBoolean("deleted"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                Map.of(),
                Map.of(),
                List.of());
    }
}
