package dev.tidemill.tracking.store;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.EvaluationDataSet;
import dev.tidemill.tracking.domain.EvaluationDataSet.Row;
import dev.tidemill.tracking.domain.EvaluationStore;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.domain.SearchKeys;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** Evaluation data sets in the database. */
public final class SqlEvaluationStore implements EvaluationStore {
    private static final Map<String, String> COLUMNS = Map.of(
            "name", "e.name",
            "created_by", "e.created_by",
            "last_updated_by", "e.updated_by",
            "created_time", "e.created_at",
            "last_update_time", "e.updated_at");

    private static final int FETCHED = 100;

    /** What a data set takes, of a query for data sets called {@code x}: its tags are text, and then a map. */
    private static final String BYTES = RowBytes.of("x.tags", "x.schema_text", "x.profile") + " + 2 * "
            + RowBytes.of("x.tags") + " + " + RowBytes.sum("evaluation_experiment y WHERE y.data_set = x.id");

    /** What a record takes: it is text, then a tree of JSON, and then part of the one text that answers hold their records in. */
    private static final String ROW_BYTES =
            "5 * " + RowBytes.of("x.inputs", "x.outputs", "x.expectations", "x.tags", "x.source");

    private final Database database;

    public SqlEvaluationStore(Database database) {
        this.database = database;
    }

    @Override
    public void insert(EvaluationDataSet dataSet) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO evaluation_data_set (id, project, name, tags, schema_text, profile, digest, created_by,
                                                         updated_by, created_at, updated_at)
                        VALUES (:id, :project, :name, :tagsJson, :schema, :profile, :digest, :createdBy,
                                :updatedBy, :createdAt, :updatedAt)
                        """)
                .bindMethods(dataSet)
                .bind("tagsJson", Json.write(dataSet.tags()))
                .execute());
    }

    @Override
    public void update(EvaluationDataSet dataSet) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE evaluation_data_set
                        SET tags = :tagsJson, schema_text = :schema, profile = :profile, digest = :digest,
                            updated_by = :updatedBy, updated_at = :updatedAt
                        WHERE id = :id
                        """)
                .bindMethods(dataSet)
                .bind("tagsJson", Json.write(dataSet.tags()))
                .execute());
    }

    @Override
    public Optional<EvaluationDataSet> find(String project, String id) {
        return page(
                        "SELECT * FROM evaluation_data_set e WHERE e.project = :project AND e.id = :id",
                        query -> query.bind("project", project).bind("id", id),
                        Reach.PAGE,
                        1)
                .items()
                .stream()
                .findFirst();
    }

    /** @param search gives one data set more than asked for where there is one */
    private Portion<EvaluationDataSet> page(String search, UnaryOperator<Query> bind, Reach reach, int most) {
        return RowBytes.searchedPage(
                database,
                reach,
                most,
                handle -> bind.apply(handle.createQuery(RowBytes.weighing("x.id", BYTES, search))),
                (row, context) -> row.getString("id"),
                (handle, fitting) ->
                        RowBytes.inOrder(fitting.keys(), complete(handle, fitting.keys()), EvaluationDataSet::id));
    }

    private List<EvaluationDataSet> complete(Handle handle, List<String> ids) {
        var experiments = new HashMap<String, List<Long>>();
        handle.createQuery("SELECT data_set, experiment_id FROM evaluation_experiment WHERE data_set IN "
                        + database.dialect().texts(":ids") + " ORDER BY data_set, experiment_id")
                .bind("ids", SqlCondition.list(ids))
                .map((row, context) -> experiments
                        .computeIfAbsent(row.getString(1), id -> new ArrayList<>())
                        .add(row.getLong(2)))
                .list();
        return handle.createQuery("SELECT * FROM evaluation_data_set WHERE id IN "
                        + database.dialect().texts(":ids"))
                .bind("ids", SqlCondition.list(ids))
                .map((row, context) -> dataSet(row, experiments.getOrDefault(row.getString("id"), List.of())))
                .list();
    }

    private static EvaluationDataSet dataSet(ResultSet row, List<Long> experiments) throws SQLException {
        return new EvaluationDataSet(
                row.getString("id"),
                row.getString("project"),
                row.getString("name"),
                Json.readStringMap(row.getString("tags")),
                row.getString("schema_text"),
                row.getString("profile"),
                row.getString("digest"),
                row.getString("created_by"),
                row.getString("updated_by"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                experiments);
    }

    @Override
    public void delete(String id) {
        database.writing(handle -> {
            for (String table : List.of("evaluation_record", "evaluation_experiment")) {
                handle.createUpdate("DELETE FROM " + table + " WHERE data_set = :id")
                        .bind("id", id)
                        .execute();
            }
            return handle.createUpdate("DELETE FROM evaluation_data_set WHERE id = :id")
                    .bind("id", id)
                    .execute();
        });
    }

    @Override
    public void link(String id, Collection<Long> experiments) {
        each(
                "INSERT INTO evaluation_experiment (data_set, experiment_id) VALUES (:id, :experiment) ON CONFLICT DO NOTHING",
                id,
                experiments);
    }

    @Override
    public void unlink(String id, Collection<Long> experiments) {
        each("DELETE FROM evaluation_experiment WHERE data_set = :id AND experiment_id = :experiment", id, experiments);
    }

    private void each(String sql, String id, Collection<Long> experiments) {
        if (experiments.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch(sql);
            experiments.forEach(experiment ->
                    batch.bind("id", id).bind("experiment", experiment).add());
            return batch.execute();
        });
    }

    @Override
    public Portion<EvaluationDataSet> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            long offset,
            int limit) {
        var condition = new SqlCondition(database.dialect());
        condition.and("e.project = " + condition.bind(project));
        if (!experiments.isEmpty()) {
            condition.and("EXISTS (SELECT 1 FROM evaluation_experiment x WHERE x.data_set = e.id AND "
                    + condition.among("x.experiment_id", experiments) + ")");
        }
        filter.forEach(clause -> condition.and(condition.compare(
                clause.entity().equals(SearchKeys.TAG)
                        ? database.dialect().jsonText("e.tags", condition.bind(clause.key()))
                        : String.valueOf(COLUMNS.get(clause.key())),
                clause.operator(),
                clause.operand())));
        var keys = new StringBuilder();
        order.stream()
                .filter(ordering -> COLUMNS.containsKey(ordering.key()))
                .forEach(ordering ->
                        keys.append(COLUMNS.get(ordering.key())).append(ordering.ascending() ? " ASC, " : " DESC, "));
        return page(
                "SELECT e.* FROM evaluation_data_set e" + condition + " ORDER BY " + keys
                        + "e.created_at DESC, e.id DESC LIMIT " + (limit + 1) + " OFFSET " + offset,
                condition::bindAll,
                Reach.of(filter.isEmpty() && experiments.isEmpty() && keys.isEmpty() && offset == 0),
                limit);
    }

    @Override
    public Optional<Row> findRow(String dataSet, String inputs) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM evaluation_record WHERE data_set = :set AND inputs_hash = :hash")
                .bind("set", dataSet)
                .bind("hash", Ids.sha256(inputs))
                .map((row, context) -> row(row))
                .findOne());
    }

    private static Row row(ResultSet row) throws SQLException {
        return new Row(
                row.getString("id"),
                row.getString("inputs"),
                Columns.optionalText(row, "outputs"),
                Columns.optionalText(row, "expectations"),
                Columns.optionalText(row, "tags"),
                Columns.optionalText(row, "source"),
                row.getString("source_type"),
                Columns.optionalText(row, "source_id"),
                row.getString("created_by"),
                row.getString("updated_by"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"));
    }

    @Override
    public void putRow(String dataSet, Row row) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO evaluation_record (id, data_set, inputs, inputs_hash, outputs, expectations, tags, source,
                                                       source_type, source_id, created_by, updated_by, created_at, updated_at)
                        VALUES (:id, :set, :inputs, :hash, :answers, :expected, :labels, :origin,
                                :sourceType, :originId, :createdBy, :updatedBy, :createdAt, :updatedAt)
                        ON CONFLICT (data_set, inputs_hash) DO UPDATE
                        SET outputs = excluded.outputs, expectations = excluded.expectations, tags = excluded.tags,
                            source = excluded.source, source_type = excluded.source_type, source_id = excluded.source_id,
                            updated_by = excluded.updated_by, updated_at = excluded.updated_at
                        """)
                .bindMethods(row)
                .bind("set", dataSet)
                .bind("hash", Ids.sha256(row.inputs()))
                .bind("answers", row.outputs().orElse(null))
                .bind("expected", row.expectations().orElse(null))
                .bind("labels", row.tags().orElse(null))
                .bind("origin", row.source().orElse(null))
                .bind("originId", row.sourceId().orElse(null))
                .execute());
    }

    @Override
    public Portion<Row> rows(String dataSet, Optional<RunStore.Last> after, int limit) {
        var condition = new SqlCondition(database.dialect());
        condition.and("data_set = " + condition.bind(dataSet));
        after.ifPresent(last -> condition.and(
                "(created_at, id) > (" + condition.bind(last.startedAt()) + ", " + condition.bind(last.id()) + ")"));
        String search = "SELECT * FROM evaluation_record" + condition + " ORDER BY created_at, id LIMIT " + (limit + 1);
        return RowBytes.page(
                database,
                limit,
                handle -> condition.bindAll(handle.createQuery(RowBytes.weighing("x.id", ROW_BYTES, search))),
                (row, context) -> row.getString("id"),
                (handle, fitting) -> RowBytes.inOrder(
                        fitting.keys(),
                        handle.createQuery("SELECT * FROM evaluation_record WHERE id IN (<ids>)")
                                .bindList("ids", fitting.keys())
                                .setFetchSize(FETCHED)
                                .map((row, context) -> row(row))
                                .list(),
                        Row::id));
    }

    @Override
    public long countRows(String dataSet) {
        return database.reading(
                handle -> handle.createQuery("SELECT COUNT(*) FROM evaluation_record WHERE data_set = :set")
                        .bind("set", dataSet)
                        .mapTo(Long.class)
                        .one());
    }

    @Override
    public int deleteRows(String dataSet, Collection<String> ids) {
        return ids.isEmpty()
                ? 0
                : database.writing(
                        handle -> handle.createUpdate("DELETE FROM evaluation_record WHERE data_set = :set AND id IN "
                                        + database.dialect().texts(":ids"))
                                .bind("set", dataSet)
                                .bind("ids", SqlCondition.list(ids))
                                .execute());
    }
}
