package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.TraceMetrics.Aggregation;
import dev.tidemill.tracking.domain.TraceMetrics.Dimension;
import dev.tidemill.tracking.domain.TraceMetrics.Kind;
import dev.tidemill.tracking.domain.TraceMetrics.Metric;
import dev.tidemill.tracking.domain.TraceMetrics.Point;
import dev.tidemill.tracking.domain.TraceMetrics.Query;
import dev.tidemill.tracking.domain.TraceMetrics.View;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/**
 * Writes a query of {@link dev.tidemill.tracking.domain.TraceMetrics} as SQL and reads its rows. The database does all of the
 * sorting and counting; of a percentile it gives the two values around it, which is as much memory here as a row takes.
 */
final class TraceMetricSql {
    private static final long NANOS = 1_000_000;

    private final Dialect dialect;
    private final Query query;
    private final TraceSearchSql search;
    private final SqlCondition condition;
    private final StringBuilder joins = new StringBuilder();
    private final List<String> parts = new ArrayList<>();

    TraceMetricSql(Dialect dialect, Query query) {
        this.dialect = dialect;
        this.query = query;
        this.search = new TraceSearchSql(dialect);
        this.condition = search.values();
    }

    SqlCondition values() {
        return condition;
    }

    String write(String project, Collection<Long> experiments, long offset, int limit) {
        var columns = new ArrayList<String>();
        search.where(project, experiments, query.filter().ofTraces());
        from();
        between();
        if (query.interval() > 0) {
            part(columns, bucket());
        }
        query.dimensions().forEach(dimension -> part(columns, dimension(dimension)));
        columns.add(value() + " AS measured");
        String all = String.join(", ", parts);
        String measured = search.with() + "SELECT " + String.join(", ", columns) + " FROM trace t" + joins + condition;
        String within = parts.isEmpty() ? "" : "PARTITION BY " + all + " ";
        String ranked = ranked()
                ? "SELECT m.*, ROW_NUMBER() OVER (" + within + "ORDER BY measured) - 1 AS place, COUNT(*) OVER ("
                        + within.strip() + ") - 1 AS last_place FROM measured m WHERE measured IS NOT NULL"
                : "SELECT * FROM measured WHERE measured IS NOT NULL";
        var selected = new ArrayList<>(parts);
        for (int i = 0; i < query.aggregations().size(); i++) {
            selected.add(aggregated(query.aggregations().get(i), i));
        }
        String grouped = parts.isEmpty() ? "" : " GROUP BY " + all + " ORDER BY " + all;
        return "WITH measured AS (" + measured + "), ranked AS (" + ranked + ") SELECT " + String.join(", ", selected)
                + " FROM ranked" + grouped + " LIMIT " + limit + " OFFSET " + offset;
    }

    private void part(List<String> columns, String expression) {
        String name = "part" + parts.size();
        parts.add(name);
        columns.add(expression + " AS " + name);
        condition.and(expression + " IS NOT NULL");
    }

    private boolean ranked() {
        return query.aggregations().stream().anyMatch(one -> one.kind() == Kind.PERCENTILE);
    }

    private void from() {
        View view = query.metric().view();
        if (view == View.SPANS) {
            joins.append(" JOIN trace_span s ON s.trace = t.number");
        } else if (view == View.ASSESSMENTS) {
            joins.append(" JOIN assessment a ON a.trace = t.number");
            condition.and("a.valid");
        }
        for (var clause : query.filter().ofView()) {
            String column =
                    switch (clause.getKey()) {
                        case "status" -> "s.status";
                        case "type" -> view == View.SPANS ? "s.type" : "lower(a.kind)";
                        default -> view == View.SPANS ? "s.name" : "a.name";
                    };
            condition.and(column + " = " + condition.bind(clause.getValue()));
        }
    }

    private void between() {
        boolean span = query.metric().isCost();
        String time = span ? "s.started_ns" : "t.requested_at";
        long unit = span ? NANOS : 1;
        query.start().ifPresent(start -> condition.and(time + " >= " + condition.bind(times(start, unit))));
        query.end()
                .ifPresent(end -> condition.and(
                        time + (span ? " < " : " <= ") + condition.bind(times(span ? end + 1 : end, unit))));
    }

    private static long times(long millis, long unit) {
        return Math.clamp(millis, Long.MIN_VALUE / unit, Long.MAX_VALUE / unit) * unit;
    }

    /** The beginning of the interval in which a time lies, before the epoch too. */
    private String bucket() {
        String time = query.metric().view() == View.SPANS ? "(s.started_ns / " + NANOS + ")" : "t.requested_at";
        long size = Math.multiplyExact(query.interval(), 1000L);
        return "(" + time + " - ((" + time + " % " + size + ") + " + size + ") % " + size + ")";
    }

    private String dimension(Dimension dimension) {
        return switch (dimension) {
            case TRACE_NAME -> text("tag", Trace.NAME_TAG);
            case TRACE_STATUS -> "t.state";
            case SPAN_NAME -> "s.name";
            case SPAN_TYPE -> "s.type";
            case SPAN_STATUS -> "s.status";
            case SPAN_MODEL_NAME -> attribute("mlflow.llm.model");
            case SPAN_MODEL_PROVIDER -> attribute("mlflow.llm.provider");
            case ASSESSMENT_NAME -> "a.name";
            case ASSESSMENT_VALUE -> "a.value";
        };
    }

    private String value() {
        Metric metric = query.metric();
        return switch (metric) {
            case TRACE_COUNT, SPAN_COUNT, ASSESSMENT_COUNT -> "1";
            case SESSION_COUNT -> text("metadata", Trace.SESSION_METADATA);
            case TRACE_LATENCY -> "t.execution_ms";
            case INPUT_TOKENS, OUTPUT_TOKENS, TOTAL_TOKENS, CACHE_READ_INPUT_TOKENS, CACHE_CREATION_INPUT_TOKENS ->
                dialect.jsonFieldNumber(text("metadata", Trace.USAGE_METADATA), metric.wireName());
            case SPAN_LATENCY -> "((s.ended_ns - s.started_ns) / " + NANOS + ")";
            case INPUT_COST, OUTPUT_COST, TOTAL_COST ->
                dialect.jsonFieldNumber(attribute("mlflow.llm.cost"), metric.wireName());
            case ASSESSMENT_VALUE ->
                "(CASE WHEN a.value = 'true' OR " + word("yes") + " THEN 1 WHEN a.value = 'false' OR " + word("no")
                        + " THEN 0 ELSE " + dialect.jsonNumber("a.value") + " END)";
        };
    }

    private static String word(String word) {
        return "lower(trim(trim(a.value, '\"'))) = '" + word + "' AND substr(a.value, 1, 1) = '\"'";
    }

    private String attribute(String name) {
        return dialect.jsonText("s.attributes", condition.bind(name));
    }

    /** A tag or metadata of the trace; a trace without it is not measured. */
    private String text(String kind, String name) {
        String alias = kind + "_" + joins.length();
        joins.append(" JOIN trace_text " + alias + " ON " + alias + ".trace = t.number AND " + alias + ".kind = '"
                + kind + "' AND " + alias + ".name = " + condition.bind(name));
        return alias + ".value";
    }

    private String aggregated(Aggregation aggregation, int index) {
        String number = "CAST(measured AS DOUBLE PRECISION)";
        String name = " AS value" + index;
        return switch (aggregation.kind()) {
            case COUNT -> "COUNT(" + (query.metric() == Metric.SESSION_COUNT ? "DISTINCT " : "") + "measured)" + name;
            case SUM, AVG, MIN, MAX -> aggregation.kind().name() + "(" + number + ")" + name;
            case PERCENTILE -> {
                String place = condition.bind(fraction(aggregation)) + " * last_place";
                yield "MAX(CASE WHEN place <= " + place + " THEN " + number + " END)" + name
                        + ", MIN(CASE WHEN place >= " + place + " THEN " + number + " END) AS above" + index
                        + ", MAX(last_place) AS last" + index;
            }
        };
    }

    private static double fraction(Aggregation aggregation) {
        return aggregation.percentile().orElseThrow() / 100;
    }

    Point point(ResultSet row) throws SQLException {
        var texts = new ArrayList<String>();
        int first = query.interval() > 0 ? 1 : 0;
        for (int i = first; i < parts.size(); i++) {
            texts.add(row.getString(parts.get(i)));
        }
        var values = new LinkedHashMap<String, Double>();
        for (int i = 0; i < query.aggregations().size(); i++) {
            Aggregation aggregation = query.aggregations().get(i);
            double value = row.getDouble("value" + i);
            if (!row.wasNull()) {
                values.put(aggregation.label(), aggregation.kind() == Kind.PERCENTILE ? between(row, i, value) : value);
            }
        }
        return new Point(first > 0 ? Optional.of(row.getLong(parts.getFirst())) : Optional.empty(), texts, values);
    }

    /** Interpolates linearly between the two values around a percentile (type 7 of Hyndman and Fan, 1996). */
    private double between(ResultSet row, int index, double below) throws SQLException {
        double place = fraction(query.aggregations().get(index)) * row.getLong("last" + index);
        return below + (place - Math.floor(place)) * (row.getDouble("above" + index) - below);
    }
}
