package dev.tidemill.tracking.store;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.domain.RunStore.RunState;
import dev.tidemill.tracking.domain.TokenUsage;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.TraceMetrics;
import dev.tidemill.tracking.domain.TraceSpan;
import dev.tidemill.tracking.domain.TraceStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** Traces in the database. */
public final class SqlTraceStore implements TraceStore {
    private static final String OF = "trace = (SELECT number FROM trace WHERE project = :project AND id = :trace)";

    private static final NamedTexts TEXTS = new NamedTexts("trace_text", "trace");

    /** What a trace takes without its spans, of a query for traces called {@code x}. */
    private static final String BYTES = String.join(
            " + ",
            RowBytes.of("x.request_preview", "x.response_preview"),
            RowBytes.sum("trace_text y WHERE y.trace = x.number", "y.value"),
            RowBytes.sum("assessment y WHERE y.trace = x.number", "y.value", "y.content", "y.rationale", "y.metadata"));

    /** What its spans take: each is text, and then a tree of JSON. */
    private static final String SPAN_BYTES =
            "3 * " + RowBytes.sum("trace_span y WHERE y.trace = x.number", "y.name", "y.attributes", "y.content");

    private static final int FETCHED = 100;

    private final Database database;

    public SqlTraceStore(Database database) {
        this.database = database;
    }

    @Override
    public void put(Trace trace) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO trace (id, project, experiment_id, state, requested_at, execution_ms, client_request_id,
                                           request_preview, response_preview)
                        VALUES (:id, :project, :experimentId, :state, :requestedAt, :executionMillis, :clientRequestId,
                                :requestPreview, :responsePreview)
                        ON CONFLICT (project, id) DO UPDATE
                        SET state = excluded.state, requested_at = excluded.requested_at,
                            execution_ms = excluded.execution_ms, client_request_id = excluded.client_request_id,
                            request_preview = excluded.request_preview, response_preview = excluded.response_preview
                        """)
                .bindMethods(trace)
                .bind("state", trace.state().name())
                .bind("executionMillis", trace.executionMillis().orElse(null))
                .bind("clientRequestId", trace.clientRequestId().orElse(null))
                .execute());
    }

    @Override
    public void ensure(
            String project, long experimentId, String id, Instant requestedAt, Optional<Long> executionMillis) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO trace (id, project, experiment_id, state, requested_at, execution_ms,
                                           request_preview, response_preview)
                        VALUES (:id, :project, :experiment, 'IN_PROGRESS', :requestedAt, :execution, '', '')
                        ON CONFLICT (project, id) DO UPDATE
                        SET execution_ms = CASE WHEN excluded.requested_at + excluded.execution_ms
                                                     > trace.requested_at + COALESCE(trace.execution_ms, 0)
                                                THEN excluded.requested_at + excluded.execution_ms
                                                ELSE trace.requested_at + COALESCE(trace.execution_ms, 0) END
                                           - CASE WHEN excluded.requested_at < trace.requested_at
                                                  THEN excluded.requested_at ELSE trace.requested_at END,
                            requested_at = CASE WHEN excluded.requested_at < trace.requested_at
                                                THEN excluded.requested_at ELSE trace.requested_at END
                        """)
                .bind("id", id)
                .bind("project", project)
                .bind("experiment", experimentId)
                .bind("requestedAt", requestedAt)
                .bind("execution", executionMillis.orElse(null))
                .execute());
    }

    @Override
    public Optional<Trace> find(String project, String id) {
        return page(
                        "SELECT * FROM trace WHERE project = :project AND id = :id",
                        query -> query.bind("project", project).bind("id", id),
                        Reach.PAGE,
                        1)
                .items()
                .stream()
                .findFirst();
    }

    @Override
    public Stream<Trace> findAll(String project, List<String> ids) {
        return inGroups(project, ids, BYTES, this::complete);
    }

    @Override
    public Stream<Whole> findWhole(String project, List<String> ids) {
        return inGroups(project, ids, BYTES + " + " + SPAN_BYTES, this::whole);
    }

    private <R> Stream<R> inGroups(
            String project, List<String> ids, String bytes, BiFunction<Handle, List<Long>, List<R>> read) {
        if (ids.isEmpty()) {
            return Stream.empty();
        }
        record Key(long number, String id) {}
        var places = new HashMap<String, Integer>();
        ids.forEach(id -> places.put(id, places.size()));
        return RowBytes.inGroups(
                database,
                handle -> handle.createQuery(RowBytes.weighing(
                                "x.number, x.id",
                                bytes,
                                "SELECT * FROM trace WHERE project = :project AND id IN "
                                        + database.dialect().texts(":ids")))
                        .bind("project", project)
                        .bind("ids", SqlCondition.list(ids)),
                (row, context) -> new Key(row.getLong("number"), row.getString("id")),
                Comparator.comparing(key -> places.getOrDefault(key.id(), 0)),
                (handle, fitting) -> read.apply(
                        handle, fitting.keys().stream().map(Key::number).toList()));
    }

    private record Bare(long number, Trace trace) {}

    /** @param search gives one trace more than asked for where there is one */
    private Portion<Trace> page(String search, UnaryOperator<Query> bind, Reach reach, int most) {
        return RowBytes.searchedPage(
                database,
                reach,
                most,
                handle -> {
                    database.dialect().boundPlanning(handle);
                    return bind.apply(handle.createQuery(RowBytes.weighing("x.number", BYTES, search)));
                },
                (row, context) -> row.getLong("number"),
                (handle, fitting) -> complete(handle, fitting.keys()));
    }

    private static Trace trace(ResultSet row) throws SQLException {
        return new Trace(
                row.getString("id"),
                row.getString("project"),
                row.getLong("experiment_id"),
                Trace.State.valueOf(row.getString("state")),
                Columns.instant(row, "requested_at"),
                Columns.optionalLong(row, "execution_ms"),
                Columns.optionalText(row, "client_request_id"),
                row.getString("request_preview"),
                row.getString("response_preview"),
                Map.of(),
                Map.of(),
                List.of());
    }

    private List<Bare> bare(Handle handle, List<Long> numbers) {
        List<Bare> read = handle.createQuery(
                        "SELECT * FROM trace WHERE " + database.dialect().amongNumbers("number", ":traces"))
                .bind("traces", SqlCondition.list(numbers))
                .map((row, context) -> new Bare(row.getLong("number"), trace(row)))
                .list();
        return RowBytes.inOrder(numbers, read, Bare::number);
    }

    private List<Trace> complete(Handle handle, List<Long> traces) {
        return completed(handle, traces).stream().map(Bare::trace).toList();
    }

    private List<Bare> completed(Handle handle, List<Long> traces) {
        String numbers = SqlCondition.list(traces);
        var texts = new HashMap<String, Map<String, String>>();
        handle.createQuery("SELECT trace, kind, name, value FROM trace_text WHERE "
                        + database.dialect().amongNumbers("trace", ":traces"))
                .bind("traces", numbers)
                .setFetchSize(FETCHED)
                .map((row, context) -> texts.computeIfAbsent(row.getString(2) + row.getLong(1), key -> new TreeMap<>())
                        .put(row.getString(3), row.getString(4)))
                .list();
        var assessments = new HashMap<Long, List<Assessment>>();
        handle.createQuery(ASSESSMENTS + " WHERE " + database.dialect().amongNumbers("a.trace", ":traces")
                        + " ORDER BY a.created_at, a.id")
                .bind("traces", numbers)
                .setFetchSize(FETCHED)
                .map((row, context) -> assessments
                        .computeIfAbsent(row.getLong("trace"), key -> new ArrayList<>())
                        .add(assessment(row)))
                .list();
        return bare(handle, traces).stream()
                .map(bare -> new Bare(
                        bare.number(),
                        bare.trace()
                                .with(
                                        texts.getOrDefault("tag" + bare.number(), Map.of()),
                                        texts.getOrDefault("metadata" + bare.number(), Map.of()),
                                        assessments.getOrDefault(bare.number(), List.of()))))
                .toList();
    }

    private List<Whole> whole(Handle handle, List<Long> traces) {
        var spans = new HashMap<Long, List<TraceSpan>>();
        handle.createQuery("SELECT * FROM trace_span WHERE "
                        + database.dialect().amongNumbers("trace", ":traces") + " ORDER BY started_ns, id")
                .bind("traces", SqlCondition.list(traces))
                .setFetchSize(FETCHED)
                .map((row, context) -> spans.computeIfAbsent(row.getLong("trace"), trace -> new ArrayList<>())
                        .add(span(row)))
                .list();
        return completed(handle, traces).stream()
                .map(bare -> new Whole(bare.trace(), spans.getOrDefault(bare.number(), List.of())))
                .toList();
    }

    private static TraceSpan span(ResultSet row) throws SQLException {
        return new TraceSpan(
                row.getString("id"),
                Columns.optionalText(row, "parent_id"),
                row.getString("name"),
                row.getString("type"),
                row.getString("status"),
                row.getLong("started_ns"),
                Columns.optionalLong(row, "ended_ns"),
                row.getString("attributes"),
                row.getString("content"));
    }

    @Override
    public void putTags(String project, String id, Map<String, String> tags) {
        putTexts(project, id, "tag", tags);
    }

    @Override
    public void putMetadata(String project, String id, Map<String, String> metadata) {
        putTexts(project, id, "metadata", metadata);
    }

    private static Optional<Long> number(Handle handle, String project, String id) {
        return handle.createQuery("SELECT number FROM trace WHERE project = :project AND id = :id")
                .bind("project", project)
                .bind("id", id)
                .mapTo(Long.class)
                .findOne();
    }

    private void putTexts(String project, String id, String kind, Map<String, String> texts) {
        if (texts.isEmpty()) {
            return;
        }
        database.writing(handle -> TEXTS.put(handle, number(handle, project, id).orElseThrow(), kind, texts));
    }

    @Override
    public boolean removeTag(String project, String id, String name) {
        return database.writing(handle -> handle.createUpdate(
                                "DELETE FROM trace_text WHERE kind = 'tag' AND name = :name AND " + OF)
                        .bind("project", project)
                        .bind("trace", id)
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @Override
    public void putSpans(String project, String id, List<TraceSpan> spans) {
        database.writing(handle -> {
            long number = number(handle, project, id).orElseThrow();
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO trace_span (trace, id, parent_id, name, type, status, started_ns, ended_ns, attributes, content)
                    VALUES (:trace, :id, :parent, :name, :type, :status, :started, :ended, :attributes, :content)
                    ON CONFLICT (trace, id) DO UPDATE
                    SET parent_id = excluded.parent_id, name = excluded.name, type = excluded.type,
                        status = excluded.status, started_ns = excluded.started_ns, ended_ns = excluded.ended_ns,
                        attributes = excluded.attributes, content = excluded.content
                    """);
            spans.forEach(span -> batch.bind("trace", number)
                    .bind("id", span.id())
                    .bind("parent", span.parentId().orElse(null))
                    .bind("name", span.name())
                    .bind("type", span.type())
                    .bind("status", span.status())
                    .bind("started", span.startedNanos())
                    .bind("ended", span.endedNanos().orElse(null))
                    .bind("attributes", Json.requireStorable(span.attributes()))
                    .bind("content", span.content())
                    .add());
            return batch.execute();
        });
    }

    @Override
    public List<TokenUsage.OfSpan> usages(String project, String id) {
        return database.reading(handle -> handle.createQuery("SELECT id, parent_id, "
                        + database.dialect().jsonText("attributes", ":name") + " AS usage FROM trace_span WHERE " + OF)
                .bind("name", TraceSpan.USAGE)
                .bind("project", project)
                .bind("trace", id)
                .map((row, context) -> new TokenUsage.OfSpan(
                        row.getString("id"),
                        Columns.optionalText(row, "parent_id"),
                        Columns.optionalText(row, "usage").flatMap(SqlTraceStore::usage)))
                .list());
    }

    private static Optional<TokenUsage> usage(String text) {
        if (!text.startsWith("{")) {
            return Optional.empty();
        }
        JsonNode told = Json.read(text);
        long input = told.path("input_tokens").asLong(0);
        long output = told.path("output_tokens").asLong(0);
        return Optional.of(new TokenUsage(
                input,
                output,
                told.path("total_tokens").asLong(input + output),
                tokens(told, "cache_read_input_tokens"),
                tokens(told, "cache_creation_input_tokens")));
    }

    private static Optional<Long> tokens(JsonNode told, String field) {
        return told.path(field).canConvertToLong()
                ? Optional.of(told.path(field).longValue())
                : Optional.empty();
    }

    private static final String ASSESSMENTS =
            "SELECT a.*, t.id AS trace_id FROM assessment a JOIN trace t ON t.number = a.trace";

    private static Assessment assessment(ResultSet row) throws SQLException {
        return new Assessment(
                row.getString("id"),
                row.getString("trace_id"),
                row.getString("name"),
                Assessment.Kind.valueOf(row.getString("kind")),
                row.getString("value"),
                row.getString("content"),
                Columns.optionalText(row, "span_id"),
                row.getString("source_type"),
                row.getString("source_id"),
                Columns.optionalText(row, "rationale"),
                Json.readStringMap(row.getString("metadata")),
                Columns.optionalText(row, "overrides"),
                row.getBoolean("valid"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"));
    }

    @Override
    public void lock(String project, String id) {
        database.writing(
                handle -> handle.createUpdate("UPDATE trace SET state = state WHERE project = :project AND id = :id")
                        .bind("project", project)
                        .bind("id", id)
                        .execute());
    }

    @Override
    public boolean insertAssessment(String project, Assessment assessment) {
        return database.writing(handle -> handle.createUpdate("""
                        INSERT INTO assessment (id, trace, name, kind, value, content, span_id, source_type, source_id, rationale,
                                                metadata, overrides, valid, created_at, updated_at)
                        SELECT :id, number, :name, :kind, :value, :content, :span, :sourceType, :sourceId, :reason,
                               :about, :replaced, :valid, :createdAt, :updatedAt
                        FROM trace WHERE project = :project AND id = :traceId
                        ON CONFLICT (id) DO NOTHING
                        """)
                        .bindMethods(assessment)
                        .bind("project", project)
                        .bind("kind", assessment.kind().name())
                        .bind("span", assessment.spanId().orElse(null))
                        .bind("reason", assessment.rationale().orElse(null))
                        .bind("about", Json.write(assessment.metadata()))
                        .bind("replaced", assessment.overrides().orElse(null))
                        .execute())
                > 0;
    }

    @Override
    public void updateAssessment(Assessment assessment) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE assessment
                        SET name = :name, value = :value, content = :content, rationale = :reason, metadata = :about,
                            valid = :valid, updated_at = :updatedAt
                        WHERE id = :id
                        """)
                .bindMethods(assessment)
                .bind("reason", assessment.rationale().orElse(null))
                .bind("about", Json.write(assessment.metadata()))
                .execute());
    }

    @Override
    public Optional<Assessment> findAssessment(String project, String traceId, String id) {
        return database.reading(handle -> handle.createQuery(
                        ASSESSMENTS + " WHERE t.project = :project AND t.id = :trace AND a.id = :id")
                .bind("project", project)
                .bind("trace", traceId)
                .bind("id", id)
                .map((row, context) -> assessment(row))
                .findOne());
    }

    @Override
    public void deleteAssessment(String id) {
        database.writing(handle -> handle.createUpdate("DELETE FROM assessment WHERE id = :id")
                .bind("id", id)
                .execute());
    }

    @Override
    public void link(String project, Collection<String> ids, RunState run) {
        if (ids.isEmpty()) {
            return;
        }
        database.writing(
                handle -> handle.createUpdate("""
                        INSERT INTO trace_run (trace, run)
                        SELECT number, :run FROM trace WHERE project = :project AND id IN %s
                        ON CONFLICT DO NOTHING
                        """.formatted(database.dialect().texts(":ids")))
                        .bind("run", run.number())
                        .bind("project", project)
                        .bind("ids", SqlCondition.list(ids))
                        .execute());
    }

    @Override
    public List<String> older(String project, long experimentId, Instant olderThan, int limit) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT id FROM trace
                        WHERE project = :project AND experiment_id = :experiment AND requested_at <= :before
                        ORDER BY requested_at, id LIMIT :limit
                        """)
                .bind("project", project)
                .bind("experiment", experimentId)
                .bind("before", olderThan)
                .bind("limit", limit)
                .mapTo(String.class)
                .list());
    }

    @Override
    public List<String> delete(String project, long experimentId, Collection<String> ids) {
        if (ids.isEmpty()) {
            return List.of();
        }
        return database.writing(handle -> {
            var there = new ArrayList<String>();
            List<Long> numbers = handle.createQuery(
                            """
                            SELECT number, id FROM trace
                            WHERE project = :project AND experiment_id = :experiment AND id IN %s
                            """.formatted(database.dialect().texts(":ids")))
                    .bind("project", project)
                    .bind("experiment", experimentId)
                    .bind("ids", SqlCondition.list(ids))
                    .map((row, context) -> {
                        there.add(row.getString("id"));
                        return row.getLong("number");
                    })
                    .list();
            if (!numbers.isEmpty()) {
                String list = SqlCondition.list(numbers);
                for (String table : List.of("trace_text", "trace_span", "assessment", "trace_run")) {
                    deleteAmong(handle, table, "trace", list);
                }
                deleteAmong(handle, "trace", "number", list);
            }
            return there;
        });
    }

    private void deleteAmong(Handle handle, String table, String column, String list) {
        handle.createUpdate(
                        "DELETE FROM " + table + " WHERE " + database.dialect().amongNumbers(column, ":numbers"))
                .bind("numbers", list)
                .execute();
    }

    @Override
    public Portion<Trace> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            RunStore.Start start,
            int limit) {
        var search = new TraceSearchSql(database.dialect());
        String sql = search.write(project, experiments, filter, order, start, limit + 1);
        // Traces of several experiments are sorted all.
        boolean indexed = filter.isEmpty()
                && RunSearchSql.isNewestFirst(order, "timestamp_ms")
                && SqlRunStore.isFrom(start)
                && experiments.size() == 1;
        return page(sql, search.values()::bindAll, Reach.of(indexed), limit);
    }

    @Override
    public List<TraceMetrics.Point> metrics(
            String project, Collection<Long> experiments, TraceMetrics.Query query, long offset, int limit) {
        var metrics = new TraceMetricSql(database.dialect(), query);
        String sql = metrics.write(project, experiments, offset, limit + 1);
        return database.searching(handle -> metrics.values()
                .bindAll(handle.createQuery(sql))
                .map((row, context) -> metrics.point(row))
                .list());
    }

    @Override
    public long count(String project, Collection<Long> experiments, List<Comparison> filter) {
        var search = new TraceSearchSql(database.dialect());
        String sql = search.count(project, experiments, filter);
        return database.searching(handle -> {
            database.dialect().boundPlanning(handle);
            return search.values()
                    .bindAll(handle.createQuery(sql))
                    .mapTo(Long.class)
                    .one();
        });
    }
}
