package dev.tidemill.tracking.store;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Comparison.Operator;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.RunStore.Start;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.TraceKeys;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Writes a search of traces as SQL. What a trace lacks never matches, unless the clause asks whether it is missing. */
final class TraceSearchSql {
    private static final Map<String, String> COLUMNS = Map.of(
            "request_id", "t.id",
            "client_request_id", "t.client_request_id",
            "status", "t.state",
            "experiment_id", "t.experiment_id",
            "timestamp_ms", "t.requested_at",
            "execution_time_ms", "t.execution_ms",
            "end_time_ms", "(t.requested_at + COALESCE(t.execution_ms, 0))");

    private final Dialect dialect;
    private final SqlCondition condition;
    private final StringBuilder joins = new StringBuilder();
    private final List<String> keys = new ArrayList<>();
    /** The project searched, as it is bound. */
    private String project = "";
    /** The condition that an expression is one of the experiments searched. */
    private UnaryOperator<String> searched = expression -> "FALSE";
    /** What a statement begins with whose conditions these are. */
    private String with = "";

    TraceSearchSql(Dialect dialect) {
        this.dialect = dialect;
        this.condition = new SqlCondition(dialect);
    }

    SqlCondition values() {
        return condition;
    }

    String count(String project, Collection<Long> experiments, List<Comparison> filter) {
        where(project, experiments, filter);
        return with + "SELECT COUNT(*) FROM trace t" + condition;
    }

    String write(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            Start start,
            int limit) {
        where(project, experiments, filter);
        boolean newestFirst = RunSearchSql.isNewestFirst(order, "timestamp_ms");
        if (!newestFirst) {
            order.forEach(this::ordering);
        }
        long offset = start.offset();
        if (newestFirst && start.last().isPresent()) {
            // Goes on behind the last trace by the index, however far down the list it is.
            String time = condition.bind(start.last().get().startedAt());
            condition.and("t.requested_at <= " + time);
            condition.and("(t.requested_at < " + time + " OR t.id > "
                    + condition.bind(start.last().get().id()) + ")");
            offset = 0;
        }
        keys.add("t.requested_at DESC");
        keys.add("t.id ASC");
        return with + "SELECT t.* FROM trace t" + joins + condition + " ORDER BY " + String.join(", ", keys) + " LIMIT "
                + limit + " OFFSET " + offset;
    }

    void where(String project, Collection<Long> experiments, List<Comparison> filter) {
        this.project = condition.bind(project);
        condition.and("t.project = " + this.project);
        searched(experiments);
        condition.and(searched.apply("t.experiment_id"));
        filter.stream()
                .filter(clause -> !clause.entity().equals(TraceKeys.SPAN))
                .forEach(this::clause);
        spans(filter.stream()
                .filter(clause -> clause.entity().equals(TraceKeys.SPAN))
                .toList());
    }

    /** Each clause about an assessment names the experiments again: a long list is bound once for all of them. */
    private void searched(Collection<Long> experiments) {
        if (SqlCondition.isFew(experiments)) {
            searched = expression -> condition.among(expression, experiments);
        } else {
            with = "WITH searched AS (SELECT id FROM experiment WHERE " + condition.among("id", experiments) + ") ";
            searched = expression -> expression + " IN (SELECT id FROM searched)";
        }
    }

    /** What a statement with these conditions begins with; empty for most of them. */
    String with() {
        return with;
    }

    /** One span has to match all clauses about spans. */
    private void spans(List<Comparison> clauses) {
        if (!clauses.isEmpty()) {
            condition.and("EXISTS (SELECT 1 FROM trace_span s WHERE s.trace = t.number"
                    + clauses.stream()
                            .map(clause -> " AND "
                                    + condition.compare(spanColumn(clause.key()), clause.operator(), clause.operand()))
                            .collect(Collectors.joining())
                    + ")");
        }
    }

    private void clause(Comparison clause) {
        switch (clause.entity()) {
            case TraceKeys.TAG -> text("tag", clause.key(), clause);
            case TraceKeys.METADATA -> text("metadata", clause.key(), clause);
            case TraceKeys.FEEDBACK, TraceKeys.EXPECTATION -> assessment(clause);
            case TraceKeys.ISSUE ->
                condition.and("EXISTS (SELECT 1 FROM assessment a WHERE a.trace = t.number AND a.kind = 'ISSUE' AND "
                        + condition.compare("a.name", clause.operator(), clause.operand()) + ")");
            default -> attribute(clause);
        }
    }

    private void attribute(Comparison clause) {
        if (!clause.key().equals("run_id")) {
            condition.and(
                    condition.compare(String.valueOf(COLUMNS.get(clause.key())), clause.operator(), clause.operand()));
            return;
        }
        // A trace belongs to the run it was made in and to those it was linked to.
        String made =
                "EXISTS (SELECT 1 FROM trace_text x WHERE x.trace = t.number AND x.kind = 'metadata' AND x.name = "
                        + condition.bind(Trace.RUN_METADATA) + " AND "
                        + condition.compare("x.value", clause.operator(), clause.operand()) + ")";
        String linked = "EXISTS (SELECT 1 FROM trace_run l JOIN run r ON r.number = l.run WHERE l.trace = t.number AND "
                + condition.compare("r.id", clause.operator(), clause.operand()) + ")";
        condition.and("(" + made + " OR " + linked + ")");
    }

    private void text(String kind, String key, Comparison clause) {
        boolean missing = clause.operator() == Operator.IS_NULL;
        String row = "EXISTS (SELECT 1 FROM trace_text x WHERE x.trace = t.number AND x.kind = '" + kind
                + "' AND x.name = " + condition.bind(key);
        boolean onlyThere = missing || clause.operator() == Operator.IS_NOT_NULL;
        String compared =
                onlyThere ? "" : " AND " + condition.compareIndexed("x.value", clause.operator(), clause.operand());
        condition.and((missing ? "NOT " : "") + row + compared + ")");
    }

    private String spanColumn(String key) {
        return key.startsWith(TraceKeys.SPAN_ATTRIBUTE)
                ? dialect.jsonText("s.attributes", condition.bind(key.substring(TraceKeys.SPAN_ATTRIBUTE.length())))
                : "s." + key;
    }

    /** Values are JSON: a text is compared with and without its quotes, so that {@code 'true'} finds both. */
    private void assessment(Comparison clause) {
        boolean missing = clause.operator() == Operator.IS_NULL;
        String named = " AND a.valid AND a.kind = "
                + condition.bind(clause.entity().toUpperCase(java.util.Locale.ROOT)) + " AND a.name = "
                + condition.bind(clause.key());
        String compared =
                switch (clause.operand()) {
                    case Comparison.Nothing() -> "";
                    case Comparison.Number(double value) ->
                        " AND " + dialect.jsonNumber("a.value") + " "
                                + clause.operator().symbol() + " " + condition.bind(value);
                    case Comparison.Text text -> " AND " + judged(clause.operator(), text);
                    case Comparison.Texts texts -> " AND " + condition.compare("a.value", clause.operator(), texts);
                };
        String said = named + compared;
        condition.and((missing ? "NOT " : "") + "(EXISTS (SELECT 1 FROM assessment a WHERE a.trace = t.number" + said
                + ") OR " + saidOfSession(said) + ")");
    }

    /**
     * What is said of a whole session, as its metadata tell, is said of each of the session's traces in the experiments searched. The
     * sessions of which it is said are found once, not for each trace anew.
     */
    private String saidOfSession(String said) {
        String session = condition.bind(Trace.SESSION_METADATA);
        return "EXISTS (SELECT 1 FROM trace_text own WHERE own.trace = t.number AND own.kind = 'metadata' AND own.name = "
                + session
                + " AND own.value IN (SELECT told.value FROM assessment a JOIN trace o ON o.number = a.trace"
                + " JOIN trace_text told ON told.trace = o.number AND told.kind = 'metadata' AND told.name = " + session
                + " WHERE o.project = " + project + " AND " + searched.apply("o.experiment_id") + " AND "
                + condition.compare(
                        "a.metadata", Operator.LIKE, new Comparison.Text("%\"" + Trace.SESSION_METADATA + "\":%"))
                + said + "))";
    }

    private String judged(Operator operator, Comparison.Text text) {
        var quoted = new Comparison.Text("\"" + text.value() + "\"");
        return switch (operator) {
            case EQUAL -> "a.value IN (" + condition.bind(text.value()) + ", " + condition.bind(quoted.value()) + ")";
            case NOT_EQUAL ->
                "a.value NOT IN (" + condition.bind(text.value()) + ", " + condition.bind(quoted.value()) + ")";
            case LIKE, ILIKE, RLIKE -> condition.compare("trim(a.value, '\"')", operator, text);
            default ->
                throw TidemillException.invalid(
                        "filter",
                        "Texts are compared with =, !=, LIKE, ILIKE and RLIKE; numbers are written without quotes");
        };
    }

    private void ordering(Ordering ordering) {
        String direction = ordering.ascending() ? " ASC" : " DESC";
        String column =
                switch (ordering.entity()) {
                    case TraceKeys.TAG -> textColumn("tag", ordering.key());
                    case TraceKeys.METADATA -> textColumn("metadata", ordering.key());
                    case SearchGrammar.ATTRIBUTE ->
                        ordering.key().equals("run_id")
                                ? textColumn("metadata", Trace.RUN_METADATA)
                                : String.valueOf(COLUMNS.get(ordering.key()));
                    default ->
                        throw TidemillException.invalid(
                                "order_by", "Invalid identifier type '" + ordering.entity() + "'");
                };
        keys.add("CASE WHEN " + column + " IS NULL THEN 1 ELSE 0 END");
        keys.add(column + direction);
    }

    private String textColumn(String kind, String key) {
        String alias = "o" + keys.size();
        joins.append(" LEFT JOIN trace_text " + alias + " ON " + alias + ".trace = t.number AND " + alias + ".kind = '"
                + kind + "' AND " + alias + ".name = " + condition.bind(key));
        return alias + ".value";
    }
}
