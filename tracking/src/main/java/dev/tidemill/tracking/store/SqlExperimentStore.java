package dev.tidemill.tracking.store;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.Experiment;
import dev.tidemill.tracking.domain.ExperimentStore;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.domain.SearchKeys;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** Experiments in the database. */
public final class SqlExperimentStore implements ExperimentStore {
    private static final Map<String, String> COLUMNS = Map.of(
            "name", "name",
            "experiment_id", "id",
            "creation_time", "created_at",
            "last_update_time", "updated_at");

    /** What an experiment and its tags take, of a query for experiments called {@code x}. */
    private static final String BYTES = RowBytes.of("x.artifact_location") + " + "
            + RowBytes.sum("experiment_tag y WHERE y.experiment_id = x.id", "y.value");

    private final Database database;

    public SqlExperimentStore(Database database) {
        this.database = database;
    }

    @Override
    public Optional<Experiment> insert(
            String project, String name, Optional<String> artifactLocation, String artifactRoot, Instant now) {
        return database.writing(handle -> {
            int inserted = handle.createUpdate("""
                            INSERT INTO experiment (project, name, created_at, updated_at, artifact_location)
                            VALUES (:project, :name, :now, :now, :location)
                            ON CONFLICT (project, name) DO NOTHING
                            """)
                    .bind("project", project)
                    .bind("name", name)
                    .bind("now", now)
                    .bind("location", artifactLocation.orElse(""))
                    .execute();
            if (inserted == 0) {
                return Optional.empty();
            }
            handle.createUpdate("""
                            UPDATE experiment SET artifact_location = :root || '/' || id
                            WHERE project = :project AND name = :name AND artifact_location = ''
                            """)
                    .bind("root", artifactRoot)
                    .bind("project", project)
                    .bind("name", name)
                    .execute();
            return findByName(project, name);
        });
    }

    @Override
    public boolean insertAs(long id, String project, String name, String artifactRoot, Instant createdAt) {
        return database.writing(handle -> {
            int inserted = handle.createUpdate("""
                            INSERT INTO experiment (id, project, name, created_at, updated_at, artifact_location)
                            VALUES (:id, :project, :name, :at, :at, :location) ON CONFLICT DO NOTHING
                            """)
                    .bind("id", id)
                    .bind("project", project)
                    .bind("name", name)
                    .bind("at", createdAt)
                    .bind("location", artifactRoot + "/" + id)
                    .execute();
            database.dialect().sequenceBehind("experiment", "id").ifPresent(handle::execute);
            return inserted > 0;
        });
    }

    @Override
    public void ensureDefault(String artifactRoot, Instant now) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO experiment (id, project, name, created_at, updated_at, artifact_location)
                        VALUES (0, 'default', :name, :now, :now, :location) ON CONFLICT DO NOTHING
                        """)
                .bind("name", Experiment.DEFAULT_NAME)
                .bind("now", now)
                .bind("location", artifactRoot + "/0")
                .execute());
    }

    @Override
    public Optional<Experiment> find(String project, long id) {
        return one(project, "id = :value", id);
    }

    @Override
    public void hold(long id) {
        database.writing(handle -> handle.createQuery("SELECT id FROM experiment WHERE id = :id "
                        + database.dialect().lockShared())
                .bind("id", id)
                .mapTo(Long.class)
                .findOne());
    }

    @Override
    public Optional<Experiment> findByName(String project, String name) {
        return one(project, "name = :value", name);
    }

    private Optional<Experiment> one(String project, String condition, Object value) {
        return page(
                        "SELECT * FROM experiment WHERE project = :project AND " + condition,
                        query -> query.bind("project", project).bind("value", value),
                        Reach.PAGE,
                        1)
                .items()
                .stream()
                .findFirst();
    }

    @Override
    public void update(long id, String name, boolean deleted, Instant now) {
        database.writing(handle -> handle.createUpdate(
                        "UPDATE experiment SET name = :name, deleted = :deleted, updated_at = :now WHERE id = :id")
                .bind("name", name)
                .bind("deleted", deleted)
                .bind("now", now)
                .bind("id", id)
                .execute());
    }

    @Override
    public void putTag(long id, String name, String value) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO experiment_tag (experiment_id, name, value) VALUES (:id, :name, :value)
                        ON CONFLICT (experiment_id, name) DO UPDATE SET value = excluded.value
                        """)
                .bind("id", id)
                .bind("name", name)
                .bind("value", value)
                .execute());
    }

    @Override
    public boolean removeTag(long id, String name) {
        return database.writing(handle -> handle.createUpdate(
                                "DELETE FROM experiment_tag WHERE experiment_id = :id AND name = :name")
                        .bind("id", id)
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @Override
    public Portion<Experiment> search(
            String project,
            Lifecycle lifecycle,
            List<Comparison> filter,
            List<Ordering> order,
            RunStore.Start start,
            int limit) {
        var condition = new SqlCondition(database.dialect());
        condition.and("e.project = " + condition.bind(project));
        if (lifecycle != Lifecycle.ALL) {
            condition.and("e.deleted = " + condition.bind(lifecycle == Lifecycle.DELETED_ONLY));
        }
        for (Comparison clause : filter) {
            if (clause.entity().equals(SearchKeys.TAG)) {
                String missing = clause.operator() == Comparison.Operator.IS_NULL ? "NOT " : "";
                String compared = clause.operand() instanceof Comparison.Nothing
                        ? ""
                        : " AND " + condition.compare("t.value", clause.operator(), clause.operand());
                condition.and(
                        missing + "EXISTS (SELECT 1 FROM experiment_tag t WHERE t.experiment_id = e.id AND t.name = "
                                + condition.bind(clause.key()) + compared + ")");
            } else {
                // Ids are searched for as the texts that clients know them by.
                String column = clause.key().equals("experiment_id")
                        ? "CAST(e.id AS VARCHAR(20))"
                        : "e." + COLUMNS.get(clause.key());
                condition.and(condition.compare(column, clause.operator(), clause.operand()));
            }
        }
        var keys = new ArrayList<String>();
        boolean byId = false;
        for (Ordering ordering : order) {
            if (ordering.entity().equals(SearchKeys.TAG)) {
                throw TidemillException.invalid("order_by", "Invalid order_by entity: tag");
            }
            keys.add("e." + COLUMNS.get(ordering.key()) + (ordering.ascending() ? " ASC" : " DESC"));
            byId |= ordering.key().equals("experiment_id");
        }
        if (keys.isEmpty()) {
            keys.add("e.created_at DESC");
        }
        if (!byId) {
            keys.add("e.id DESC");
        }
        long offset = start.offset();
        Optional<Long> last =
                start.last().filter(one -> one.id().matches("\\d{1,18}")).map(one -> Long.valueOf(one.id()));
        if (last.isPresent() && RunSearchSql.isNewestFirst(order, "creation_time")) {
            String time = condition.bind(start.last().orElseThrow().startedAt());
            condition.and("e.created_at <= " + time);
            condition.and("(e.created_at < " + time + " OR e.id < " + condition.bind(last.get()) + ")");
            offset = 0;
        }
        boolean inOrder = RunSearchSql.isNewestFirst(order, "creation_time") || (byId && order.size() == 1);
        // Deleted ones may be few among very many.
        boolean indexed = filter.isEmpty() && inOrder && offset == 0 && lifecycle != Lifecycle.DELETED_ONLY;
        return page(
                "SELECT e.* FROM experiment e" + condition + " ORDER BY " + String.join(", ", keys) + " LIMIT "
                        + (limit + 1) + " OFFSET " + offset,
                condition::bindAll,
                Reach.of(indexed),
                limit);
    }

    private Portion<Experiment> page(String search, UnaryOperator<Query> bind, Reach reach, int most) {
        return RowBytes.searchedPage(
                database,
                reach,
                most,
                handle -> bind.apply(handle.createQuery(RowBytes.weighing("x.*", BYTES, search))),
                (row, context) -> experiment(row),
                (handle, fitting) -> complete(handle, fitting.keys()));
    }

    private List<Experiment> complete(Handle handle, List<Experiment> bare) {
        if (bare.isEmpty()) {
            return bare;
        }
        var tags = new HashMap<Long, Map<String, String>>();
        handle.createQuery("SELECT * FROM experiment_tag WHERE "
                        + database.dialect().amongNumbers("experiment_id", ":ids"))
                .bind("ids", SqlCondition.list(bare.stream().map(Experiment::id).toList()))
                .map((row, context) -> tags.computeIfAbsent(row.getLong("experiment_id"), id -> new TreeMap<>())
                        .put(row.getString("name"), row.getString("value")))
                .list();
        return bare.stream()
                .map(one -> new Experiment(
                        one.id(),
                        one.project(),
                        one.name(),
                        one.artifactLocation(),
                        one.deleted(),
                        one.createdAt(),
                        one.updatedAt(),
                        tags.getOrDefault(one.id(), Map.of())))
                .toList();
    }

    private static Experiment experiment(ResultSet row) throws SQLException {
        return new Experiment(
                row.getLong("id"),
                row.getString("project"),
                row.getString("name"),
                row.getString("artifact_location"),
                row.getBoolean("deleted"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                Map.of());
    }

    @Override
    public List<DataSetUse> dataSets(String project, java.util.Collection<Long> experiments) {
        return database.searching(handle -> handle.createQuery(
                        """
                        SELECT DISTINCT d.experiment_id, d.name, d.digest, i.context
                        FROM data_set_input d
                        JOIN run_input i ON i.data_set = d.number
                        JOIN run r ON r.number = i.run AND NOT r.deleted AND r.project = :project
                        WHERE %s
                        ORDER BY d.experiment_id, d.name, d.digest, i.context LIMIT 1000
                        """.formatted(database.dialect().amongNumbers("d.experiment_id", ":experiments")))
                .bind("project", project)
                .bind("experiments", SqlCondition.list(experiments))
                .map((row, context) -> new DataSetUse(
                        row.getLong("experiment_id"),
                        row.getString("name"),
                        row.getString("digest"),
                        row.getString("context")))
                .list());
    }
}
