package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Comparison.Operator;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchParser;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What is measured over many traces, as MLflow's dashboards ask for it: views, metrics, aggregations, dimensions and filters. */
public final class TraceMetrics {
    private static final Set<Kind> COUNTED = EnumSet.of(Kind.COUNT);
    private static final Set<Kind> RANGED = EnumSet.of(Kind.AVG, Kind.MIN, Kind.MAX, Kind.PERCENTILE);
    private static final Set<Kind> SUMMED = EnumSet.of(Kind.SUM, Kind.AVG, Kind.MIN, Kind.MAX, Kind.PERCENTILE);
    private static final String TRACE = "trace";
    private static final String SPAN = "span";
    private static final String ASSESSMENT = "assessment";
    /** Everything is read, so that what is no equality is refused in the words of this query. */
    private static final Rule ANY = Rule.anyValue(SearchGrammar.TEXTUAL_OR_PATTERN, SearchGrammar.NUMERIC);

    private static final SearchGrammar GRAMMAR = new SearchGrammar()
            .freeKeys(TRACE, ANY)
            .freeKeys(SPAN, ANY)
            .freeKeys(ASSESSMENT, ANY)
            .freeKeys(SearchGrammar.ATTRIBUTE, ANY);

    /** By what a filter of each view may ask; those that name a key of the user's after them are {@code tag} and {@code metadata}. */
    private static final Map<String, List<String>> ENTITIES = Map.of(
            TRACE, List.of("status", "tag", "metadata"),
            SPAN, List.of("name", "status", "type"),
            ASSESSMENT, List.of("name", "type"));

    private TraceMetrics() {}

    /** What one measured thing is: a trace, a span, or a valid assessment. */
    public enum View {
        TRACES,
        SPANS,
        ASSESSMENTS
    }

    /** How many values become one. */
    public enum Kind {
        COUNT,
        SUM,
        AVG,
        PERCENTILE,
        MIN,
        MAX
    }

    /**
     * One aggregation of a query.
     *
     * @param percentile 0 to 100, of {@link Kind#PERCENTILE} alone; between two values it is interpolated linearly
     */
    public record Aggregation(Kind kind, OptionalDouble percentile) {
        /** @throws TidemillException {@code INVALID_ARGUMENT} for a percentile that is missing, out of range, or not asked for */
        public Aggregation {
            if (kind == Kind.PERCENTILE && percentile.isEmpty()) {
                throw invalid("aggregations", "Percentile value is required for PERCENTILE aggregation");
            }
            if (kind != Kind.PERCENTILE && percentile.isPresent()) {
                throw invalid(
                        "aggregations",
                        "Percentile value is only allowed for PERCENTILE aggregation type, got " + kind);
            }
            if (percentile.isPresent() && !(percentile.getAsDouble() >= 0 && percentile.getAsDouble() <= 100)) {
                throw invalid(
                        "aggregations", "Percentile value must be between 0 and 100, got " + percentile.getAsDouble());
            }
        }

        /** Its name among the values of a point, such as {@code AVG} and {@code P99.9}. */
        public String label() {
            return percentile.isPresent() ? "P" + percentile.getAsDouble() : kind.name();
        }
    }

    /** A thing that can be measured, in the order in which refusals list them. */
    public enum Metric {
        TRACE_COUNT(View.TRACES, COUNTED, Dimension.TRACE_NAME, Dimension.TRACE_STATUS),
        SESSION_COUNT(View.TRACES, COUNTED),
        TRACE_LATENCY(View.TRACES, RANGED, Dimension.TRACE_NAME),
        INPUT_TOKENS(View.TRACES, SUMMED, Dimension.TRACE_NAME),
        OUTPUT_TOKENS(View.TRACES, SUMMED, Dimension.TRACE_NAME),
        TOTAL_TOKENS(View.TRACES, SUMMED, Dimension.TRACE_NAME),
        CACHE_READ_INPUT_TOKENS(View.TRACES, SUMMED, Dimension.TRACE_NAME),
        CACHE_CREATION_INPUT_TOKENS(View.TRACES, SUMMED, Dimension.TRACE_NAME),
        SPAN_COUNT(
                View.SPANS,
                COUNTED,
                Dimension.SPAN_NAME,
                Dimension.SPAN_TYPE,
                Dimension.SPAN_STATUS,
                Dimension.SPAN_MODEL_NAME,
                Dimension.SPAN_MODEL_PROVIDER),
        SPAN_LATENCY(View.SPANS, RANGED, Dimension.SPAN_NAME, Dimension.SPAN_STATUS),
        INPUT_COST(View.SPANS, SUMMED, Dimension.SPAN_MODEL_NAME, Dimension.SPAN_MODEL_PROVIDER),
        OUTPUT_COST(View.SPANS, SUMMED, Dimension.SPAN_MODEL_NAME, Dimension.SPAN_MODEL_PROVIDER),
        TOTAL_COST(View.SPANS, SUMMED, Dimension.SPAN_MODEL_NAME, Dimension.SPAN_MODEL_PROVIDER),
        ASSESSMENT_COUNT(View.ASSESSMENTS, COUNTED, Dimension.ASSESSMENT_NAME, Dimension.ASSESSMENT_VALUE),
        ASSESSMENT_VALUE(View.ASSESSMENTS, RANGED, Dimension.ASSESSMENT_NAME);

        private final View view;
        private final Set<Kind> kinds;
        private final Set<Dimension> dimensions;

        Metric(View view, Set<Kind> kinds, Dimension... dimensions) {
            this.view = view;
            this.kinds = kinds;
            this.dimensions = Set.of(dimensions);
        }

        public View view() {
            return view;
        }

        /** As it is called on the wire, where a view is named beside it. */
        public String wireName() {
            return this == TRACE_LATENCY || this == SPAN_LATENCY ? "latency" : lowerCase(name());
        }

        /** Whether it tells what a call cost, which belongs to the time of its span; all else belongs to that of its trace. */
        public boolean isCost() {
            return this == INPUT_COST || this == OUTPUT_COST || this == TOTAL_COST;
        }
    }

    /** What points may be parted by. A trace, span or assessment without it is in no point. */
    public enum Dimension {
        TRACE_NAME,
        TRACE_STATUS,
        SPAN_NAME,
        SPAN_TYPE,
        SPAN_STATUS,
        SPAN_MODEL_NAME,
        SPAN_MODEL_PROVIDER,
        ASSESSMENT_NAME,
        ASSESSMENT_VALUE;

        public String wireName() {
            return lowerCase(name());
        }
    }

    /**
     * A filter's clauses, all of them equalities.
     *
     * @param ofTraces in the keys of {@link TraceKeys}
     * @param ofView by name of what they are about: {@code name}, {@code status} or {@code type} of a span or an assessment
     */
    public record Filter(List<Comparison> ofTraces, List<Map.Entry<String, String>> ofView) {}

    /**
     * What is asked for.
     *
     * @param interval seconds over which points are parted by time; 0 for no parting
     * @param start milliseconds since the epoch, from which on
     * @param end milliseconds since the epoch, up to which; that one too
     */
    public record Query(
            Metric metric,
            List<Aggregation> aggregations,
            List<Dimension> dimensions,
            Filter filter,
            long interval,
            Optional<Long> start,
            Optional<Long> end) {}

    /**
     * One point of the answer.
     *
     * @param bucket milliseconds since the epoch at which its interval begins; empty where time does not part
     * @param dimensions in the order of the query's
     * @param values by label of the aggregation; those of nothing are left out
     */
    public record Point(Optional<Long> bucket, List<String> dimensions, Map<String, Double> values) {}

    /**
     * Reads a query, refusing in MLflow's words what does not go together.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    public static Query query(
            View view,
            String metricName,
            List<Aggregation> aggregations,
            List<String> dimensions,
            List<String> filters,
            long interval,
            Optional<Long> start,
            Optional<Long> end) {
        Metric metric = metric(view, metricName);
        requireKinds(metric, aggregations);
        List<Dimension> parted = dimensions(metric, dimensions);
        if (interval < 0) {
            throw invalid("time_interval_seconds", "time_interval_seconds must not be negative, got " + interval);
        }
        if (interval > 0 && (start.isEmpty() || end.isEmpty())) {
            throw invalid(
                    "time_interval_seconds",
                    "start_time_ms and end_time_ms are required if time_interval_seconds is set");
        }
        return new Query(metric, aggregations, parted, filter(view, filters), interval, start, end);
    }

    private static Metric metric(View view, String name) {
        List<Metric> known = EnumSet.allOf(Metric.class).stream()
                .filter(metric -> metric.view() == view)
                .toList();
        return known.stream()
                .filter(metric -> metric.wireName().equals(name))
                .findFirst()
                .orElseThrow(() -> invalid(
                        "metric_name",
                        "metric_name must be one of "
                                + listed(known.stream().map(Metric::wireName).toList()) + ", got '" + name + "'"));
    }

    private static void requireKinds(Metric metric, List<Aggregation> aggregations) {
        var unknown = EnumSet.noneOf(Kind.class);
        aggregations.stream()
                .map(Aggregation::kind)
                .filter(kind -> !metric.kinds.contains(kind))
                .forEach(unknown::add);
        if (!unknown.isEmpty()) {
            throw invalid(
                    "aggregations",
                    "Found invalid aggregation_type(s): " + listed(sorted(unknown)) + ". Supported aggregation types: "
                            + listed(sorted(metric.kinds)));
        }
    }

    private static Collection<String> sorted(Set<Kind> kinds) {
        return kinds.stream().map(Kind::name).collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<Dimension> dimensions(Metric metric, List<String> names) {
        var found = new ArrayList<Dimension>();
        var unknown = new TreeSet<String>();
        for (String name : names) {
            metric.dimensions.stream()
                    .filter(dimension -> dimension.wireName().equals(name))
                    .findFirst()
                    .ifPresentOrElse(found::add, () -> unknown.add(name));
        }
        if (!unknown.isEmpty()) {
            throw invalid(
                    "dimensions",
                    "Found invalid dimension(s): " + listed(unknown) + ". Supported dimensions: "
                            + listed(metric.dimensions.stream()
                                    .map(Dimension::wireName)
                                    .sorted()
                                    .toList()));
        }
        return found.stream().distinct().toList();
    }

    private static Filter filter(View view, List<String> filters) {
        var ofTraces = new ArrayList<Comparison>();
        var ofView = new ArrayList<Map.Entry<String, String>>();
        for (String text : filters) {
            List<Comparison> clauses = SearchParser.filter(GRAMMAR, text);
            if (clauses.size() != 1) {
                throw clauses.isEmpty()
                        ? invalid("filters", "Invalid filter: '" + text + "'. Expected one filter clause.")
                        : invalid("filters", "Invalid clause(s) in filter string: AND");
            }
            Comparison clause = clauses.getFirst();
            requireEntity(clause);
            String value = equalTo(clause);
            if (clause.entity().equals(TRACE)) {
                ofTraces.add(ofTrace(clause));
            } else {
                requireView(view, clause.entity());
                ofView.add(Map.entry(clause.key(), value));
            }
        }
        return new Filter(List.copyOf(ofTraces), List.copyOf(ofView));
    }

    private static String equalTo(Comparison clause) {
        if (clause.operator() != Operator.EQUAL) {
            throw invalid(
                    "filters",
                    "Invalid comparator: '" + clause.operator().symbol() + "', only '=' operator is supported");
        }
        if (!(clause.operand() instanceof Comparison.Text(String text))) {
            throw invalid(
                    "filters",
                    "Expected a quoted string value for " + entity(clause.key())
                            + " value (e.g. 'my-value'). Got a number");
        }
        return text;
    }

    private static void requireEntity(Comparison clause) {
        if (clause.entity().equals(SearchGrammar.ATTRIBUTE)) {
            throw invalid(
                    "filters",
                    "Invalid identifier '" + clause.key()
                            + "'. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.");
        }
        List<String> known = ENTITIES.getOrDefault(clause.entity(), List.of());
        String entity = entity(clause.key());
        boolean keyed = entity.length() < clause.key().length();
        if (!known.contains(entity)) {
            throw invalid(
                    "filters",
                    "Invalid entity '" + entity + "' specified for view type '" + clause.entity()
                            + "'. Valid entities are " + listed(known));
        }
        boolean wants = entity.equals("tag") || entity.equals("metadata");
        if (wants && !keyed) {
            throw invalid(
                    "filters",
                    "Filtering by " + entity + " requires a key, e.g. '" + clause.entity() + "." + entity
                            + ".<key> = <value>'");
        }
        if (!wants && keyed) {
            throw invalid(
                    "filters",
                    "Filtering by " + entity + " does not require a key, use '" + clause.entity() + "." + entity
                            + "' instead");
        }
    }

    private static String entity(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
    }

    private static void requireView(View view, String entity) {
        View wanted = entity.equals(SPAN) ? View.SPANS : View.ASSESSMENTS;
        if (view != wanted) {
            throw invalid(
                    "filters",
                    "Filtering by " + entity + " is only supported for " + wanted + " view type, got " + view);
        }
    }

    /** The same in the words of {@link TraceKeys}; a trace belongs to the runs that it was linked to as well. */
    private static Comparison ofTrace(Comparison clause) {
        String entity = entity(clause.key());
        if (entity.equals("status")) {
            return new Comparison(SearchGrammar.ATTRIBUTE, "status", Operator.EQUAL, clause.operand());
        }
        String key = SearchGrammar.unquote(clause.key().substring(entity.length() + 1));
        if (entity.equals("metadata") && key.equals(Trace.RUN_METADATA)) {
            return new Comparison(SearchGrammar.ATTRIBUTE, "run_id", Operator.EQUAL, clause.operand());
        }
        return new Comparison(
                entity.equals("tag") ? TraceKeys.TAG : TraceKeys.METADATA, key, Operator.EQUAL, clause.operand());
    }

    private static String lowerCase(String name) {
        return name.toLowerCase(java.util.Locale.ROOT);
    }

    private static String listed(Collection<String> names) {
        return names.stream().map(name -> "'" + name + "'").collect(Collectors.joining(", ", "[", "]"));
    }

    private static TidemillException invalid(String field, String message) {
        return TidemillException.invalid(field, message);
    }
}
