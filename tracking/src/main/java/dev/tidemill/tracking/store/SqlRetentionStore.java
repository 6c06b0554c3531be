package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.domain.Retention;
import dev.tidemill.tracking.domain.RetentionStore;
import dev.tidemill.tracking.domain.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Removal in the database. */
public final class SqlRetentionStore implements RetentionStore {
    private static final List<String> OF_RUN =
            List.of("metric_newest", "param", "tag", "run_input", "run_model", "trace_run");

    private final Database database;

    public SqlRetentionStore(Database database) {
        this.database = database;
    }

    /** @param since column with the time of the deletion */
    private static String where(Scope scope, String since) {
        return " WHERE deleted AND " + since + " <= :before AND "
                + switch (scope) {
                    case Scope.Project project -> "project = :project";
                    case Scope.OfExperiment experiment -> "experiment_id = :experiment";
                    case Scope.WithoutPolicy without ->
                        "experiment_id NOT IN (SELECT experiment_id FROM experiment_tag WHERE name = :policy)";
                };
    }

    /** Names what {@link #where} needs; what a scope does not use is left out of its SQL. */
    private static Map<String, Object> bindings(Scope scope, Instant before) {
        return switch (scope) {
            case Scope.Project project -> Map.of("before", before, "project", project.name());
            case Scope.OfExperiment experiment -> Map.of("before", before, "experiment", experiment.id());
            case Scope.WithoutPolicy without -> Map.of("before", before, "policy", Retention.POLICY_TAG);
        };
    }

    @Override
    public Map<Long, String> policies() {
        var policies = new TreeMap<Long, String>();
        database.reading(handle -> handle.createQuery(
                                "SELECT experiment_id, value FROM experiment_tag WHERE name = :policy")
                        .bind("policy", Retention.POLICY_TAG)
                        .map((row, context) -> Map.entry(row.getLong("experiment_id"), row.getString("value")))
                        .list())
                .forEach(one -> policies.put(one.getKey(), one.getValue()));
        return policies;
    }

    @Override
    public List<Gone> runs(Scope scope, Instant deletedBefore, int limit) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM run" + where(scope, "deleted_at") + " ORDER BY deleted_at, number LIMIT :limit")
                .bindMap(bindings(scope, deletedBefore))
                .bind("limit", limit)
                .map((row, context) -> new Gone(
                        row.getLong("number"),
                        row.getString("project"),
                        new RunId(row.getString("id")),
                        row.getString("artifacts"),
                        Columns.optionalText(row, "model_digest")))
                .list());
    }

    @Override
    public List<GoneModel> models(Scope scope, Instant deletedBefore, int limit) {
        // Nothing changes a deleted model, so that it was deleted when it last changed.
        return database.reading(handle -> handle.createQuery("SELECT id, project, artifacts FROM logged_model"
                        + where(scope, "updated_at") + " ORDER BY updated_at, id LIMIT :limit")
                .bindMap(bindings(scope, deletedBefore))
                .bind("limit", limit)
                .map((row, context) ->
                        new GoneModel(row.getString("id"), row.getString("project"), row.getString("artifacts")))
                .list());
    }

    @Override
    public void removeModel(String id) {
        database.writing(handle -> {
            for (String table : List.of("logged_model_metric", "logged_model_text", "run_model")) {
                handle.execute("DELETE FROM " + table + " WHERE model_id = ?", id);
            }
            return handle.execute("DELETE FROM logged_model WHERE id = ?", id);
        });
    }

    @Override
    public long countRuns(Scope scope, Instant deletedBefore) {
        return database.reading(handle -> handle.createQuery("SELECT COUNT(*) FROM run" + where(scope, "deleted_at"))
                .bindMap(bindings(scope, deletedBefore))
                .mapTo(Long.class)
                .one());
    }

    @Override
    public boolean removePoints(long run, int about) {
        return database.writing(handle -> {
            Optional<Long> metric = handle.createQuery("SELECT metric FROM metric_newest WHERE run = :run LIMIT 1")
                    .bind("run", run)
                    .mapTo(Long.class)
                    .findOne();
            if (metric.isEmpty()) {
                return false;
            }
            Optional<Long> step = handle.createQuery("""
                            SELECT step FROM metric_value WHERE run = :run AND metric = :metric
                            ORDER BY step LIMIT 1 OFFSET :about
                            """)
                    .bind("run", run)
                    .bind("metric", metric.get())
                    .bind("about", about)
                    .mapTo(Long.class)
                    .findOne();
            handle.createUpdate("DELETE FROM metric_value WHERE run = :run AND metric = :metric"
                            + (step.isPresent() ? " AND step <= :step" : ""))
                    .bind("run", run)
                    .bind("metric", metric.get())
                    .bind("step", step.orElse(0L))
                    .execute();
            if (step.isEmpty()) {
                handle.createUpdate("DELETE FROM metric_newest WHERE run = :run AND metric = :metric")
                        .bind("run", run)
                        .bind("metric", metric.get())
                        .execute();
            }
            return true;
        });
    }

    @Override
    public void remove(long run) {
        database.writing(handle -> {
            for (String table : OF_RUN) {
                handle.execute("DELETE FROM " + table + " WHERE run = ?", run);
            }
            return handle.execute("DELETE FROM run WHERE number = ?", run);
        });
    }

    @Override
    public List<String> removeExperiments(Optional<String> project, Instant deletedBefore) {
        return database.writing(handle -> {
            List<Long> ids = handle.createQuery("SELECT id FROM experiment e WHERE e.deleted AND e.id != 0"
                            + " AND e.updated_at <= :before"
                            + (project.isPresent() ? " AND e.project = :project" : "")
                            + " AND NOT EXISTS (SELECT 1 FROM run r WHERE r.experiment_id = e.id)"
                            + " AND NOT EXISTS (SELECT 1 FROM trace t WHERE t.experiment_id = e.id)"
                            + " AND NOT EXISTS (SELECT 1 FROM logged_model m WHERE m.experiment_id = e.id)")
                    .bind("before", deletedBefore)
                    .bind("project", project.orElse(""))
                    .mapTo(Long.class)
                    .list();
            for (long id : ids) {
                for (String table : List.of("experiment_tag", "data_set_input", "scorer", "evaluation_experiment")) {
                    handle.execute("DELETE FROM " + table + " WHERE experiment_id = ?", id);
                }
                handle.execute("DELETE FROM experiment WHERE id = ?", id);
            }
            return ids.stream().map(String::valueOf).toList();
        });
    }
}
