package dev.tidemill.tracking.store;

import static java.util.stream.Collectors.joining;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.RunStore.Start;
import dev.tidemill.tracking.domain.SearchKeys;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes a search of runs as SQL. A clause on a metric, param or tag is a join with that key's row; what has no such row never
 * matches. Where the database keeps no statistics of its own (SQLite), the order of the joins is decided here: how many rows
 * each clause leaves is counted first, up to a limit, in the index that holds key and value.
 */
final class RunSearchSql {
    private static final Map<String, String> COLUMNS = Map.of(
            "artifact_uri", "r.artifacts",
            "run_id", "r.id",
            "run_name", "r.name",
            "status", "r.status",
            "user_id", "r.user_name",
            "start_time", "r.started_at",
            "end_time", "r.ended_at");
    private static final Map<String, String> DATA_SET_COLUMNS =
            Map.of("name", "d.name", "digest", "d.digest", "context", "i.context");

    /** Attributes of which few runs have the same value. */
    private static final Set<String> NAMING = Set.of("run_id", "run_name", "artifact_uri");

    /** Finds the number of a metric's name; empty for one that nobody has logged. */
    @FunctionalInterface
    interface MetricNumbers {
        Optional<Long> of(String name);
    }

    /** Runs a query that counts; its values are those of the condition. */
    @FunctionalInterface
    interface Counts {
        long of(String sql, SqlCondition values);
    }

    /** Rows of a metric, param or tag that a clause is about: which key, and how its value must be. */
    private record Sift(String table, String alias, String key, String value) {
        /** To look a metric up by its run costs about three times as much as a text. */
        int weight() {
            return table.equals("metric_newest") ? 1 : 3;
        }

        String joined(String to) {
            return table + " " + alias + " ON " + alias + ".run = " + to + " AND " + key;
        }
    }

    /** Up to here rows are counted; clauses that leave more are taken to leave as many as one another. */
    private static final int COUNTED = 2_000;

    private final Dialect dialect;
    private final SqlCondition condition;
    private final MetricNumbers metrics;
    private final Counts counts;
    private final List<Sift> sifts = new ArrayList<>();
    private final StringBuilder joins = new StringBuilder();
    private final List<String> keys = new ArrayList<>();
    private int aliases;
    private boolean namesRuns;

    RunSearchSql(Dialect dialect, MetricNumbers metrics, Counts counts) {
        this.dialect = dialect;
        this.condition = new SqlCondition(dialect);
        this.metrics = metrics;
        this.counts = counts;
    }

    SqlCondition values() {
        return condition;
    }

    String write(
            String project,
            Collection<Long> experiments,
            Lifecycle lifecycle,
            List<Comparison> filter,
            List<Ordering> order,
            Start start,
            int limit) {
        where(project, experiments, lifecycle, filter);
        boolean newestFirst = isNewestFirst(order, "start_time");
        String from = from(newestFirst);
        if (!newestFirst) {
            order.forEach(this::ordering);
        }
        keys.add("r.started_at DESC");
        keys.add("r.id ASC");
        long offset = start.offset();
        if (start.last().isPresent() && newestFirst) {
            // Goes on behind the last run by the index, however far down the list it is.
            String time = condition.bind(start.last().get().startedAt());
            condition.and("r.started_at <= " + time);
            condition.and("(r.started_at < " + time + " OR r.id > "
                    + condition.bind(start.last().get().id()) + ")");
            offset = 0;
        }
        return "SELECT r.* FROM " + from + joins + condition + " ORDER BY " + String.join(", ", keys) + " LIMIT "
                + limit + " OFFSET " + offset;
    }

    /** Whether an order is the one that is meant where none is named, for which there is an index. */
    static boolean isNewestFirst(List<Ordering> order, String time) {
        return order.isEmpty() || order.equals(List.of(new Ordering(SearchGrammar.ATTRIBUTE, time, false)));
    }

    /** Counts what matches. */
    String count(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter) {
        where(project, experiments, lifecycle, filter);
        return "SELECT COUNT(*) FROM " + from(false) + joins + condition;
    }

    private void where(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter) {
        condition.and("r.project = " + condition.bind(project));
        condition.and(condition.among("r.experiment_id", experiments));
        if (lifecycle != Lifecycle.ALL) {
            condition.and("r.deleted = " + condition.bind(lifecycle == Lifecycle.DELETED_ONLY));
        }
        filter.forEach(this::clause);
    }

    private void clause(Comparison clause) {
        switch (clause.entity()) {
            case SearchKeys.METRIC -> {
                String alias = "f" + aliases++;
                sifts.add(new Sift(
                        "metric_newest",
                        alias,
                        alias + ".metric = " + metric(clause.key()),
                        alias + ".is_nan = FALSE AND "
                                + condition.compare(alias + ".value", clause.operator(), clause.operand())));
            }
            case SearchKeys.PARAM -> text("param", clause);
            case SearchKeys.TAG -> text("tag", clause);
            case SearchKeys.DATA_SET ->
                condition.and(
                        "EXISTS (SELECT 1 FROM run_input i JOIN data_set_input d ON d.number = i.data_set WHERE i.run = r.number AND "
                                + condition.compare(
                                        String.valueOf(DATA_SET_COLUMNS.get(clause.key())),
                                        clause.operator(),
                                        clause.operand())
                                + ")");
            default -> {
                namesRuns |= NAMING.contains(clause.key()) && clause.operator() != Comparison.Operator.NOT_EQUAL;
                condition.and(condition.compare(
                        String.valueOf(COLUMNS.get(clause.key())), clause.operator(), clause.operand()));
            }
        }
    }

    private void text(String table, Comparison clause) {
        if (clause.operand() instanceof Comparison.Nothing) {
            condition.and((clause.operator() == Comparison.Operator.IS_NULL ? "NOT " : "") + "EXISTS (SELECT 1 FROM "
                    + table + " x WHERE x.run = r.number AND x.name = " + condition.bind(clause.key()) + ")");
            return;
        }
        String alias = "f" + aliases++;
        sifts.add(new Sift(
                table,
                alias,
                alias + ".name = " + condition.bind(clause.key()),
                condition.compareIndexed(alias + ".value", clause.operator(), clause.operand())));
    }

    /**
     * What is read, in which order. Sifting begins with the clause that leaves the fewest runs; where none leaves few, or the
     * runs themselves are named, it begins with the runs.
     */
    private String from(boolean byStart) {
        sifts.forEach(sift -> condition.and(sift.value()));
        if (dialect.choosesJoinOrder() || sifts.isEmpty()) {
            return sifts.stream()
                    .map(sift -> " JOIN " + sift.joined("r.number"))
                    .collect(joining("", "run r", ""));
        }
        var counted = new HashMap<Sift, Long>();
        if (sifts.size() > 1 || byStart) {
            sifts.forEach(sift -> counted.put(sift, counts.of(count(sift), condition)));
        }
        List<Sift> fewestFirst = sifts.stream()
                .sorted(Comparator.comparingLong(sift -> counted.getOrDefault(sift, 0L) * sift.weight()))
                .toList();
        Sift first = fewestFirst.getFirst();
        if (namesRuns || (byStart && counted.getOrDefault(first, 0L) >= COUNTED)) {
            return fewestFirst.stream()
                    .map(sift -> " CROSS JOIN " + sift.joined("r.number"))
                    .collect(joining("", "run r", ""));
        }
        condition.and(first.key());
        return fewestFirst.stream()
                .skip(1)
                .map(sift -> " CROSS JOIN " + sift.joined(first.alias() + ".run"))
                .collect(joining(
                        "",
                        first.table() + " " + first.alias(),
                        " CROSS JOIN run r ON r.number = " + first.alias() + ".run"));
    }

    private static String count(Sift sift) {
        return "SELECT COUNT(*) FROM (SELECT 1 FROM " + sift.table() + " " + sift.alias() + " WHERE " + sift.key()
                + " AND " + sift.value() + " LIMIT " + COUNTED + ")";
    }

    private long metric(String name) {
        return metrics.of(name).orElse(-1L);
    }

    private void ordering(Ordering ordering) {
        String direction = ordering.ascending() ? " ASC" : " DESC";
        String alias = "o" + aliases++;
        switch (ordering.entity()) {
            case SearchKeys.METRIC -> {
                joins.append(" LEFT JOIN metric_newest " + alias + " ON " + alias + ".run = r.number AND " + alias
                        + ".metric = " + metric(ordering.key()));
                keys.add("CASE WHEN " + alias + ".run IS NULL THEN 2 WHEN " + alias + ".is_nan THEN 1 ELSE 0 END");
                keys.add(alias + ".value" + direction);
            }
            case SearchKeys.PARAM, SearchKeys.TAG -> {
                String table = ordering.entity().equals(SearchKeys.PARAM) ? "param" : "tag";
                joins.append(" LEFT JOIN " + table + " " + alias + " ON " + alias + ".run = r.number AND " + alias
                        + ".name = " + condition.bind(ordering.key()));
                keys.add("CASE WHEN " + alias + ".run IS NULL THEN 1 ELSE 0 END");
                keys.add(alias + ".value" + direction);
            }
            case SearchKeys.DATA_SET ->
                throw dev.tidemill.platform.errors.TidemillException.invalid(
                        "order_by", "Invalid identifier type 'dataset'");
            default -> {
                String column = String.valueOf(COLUMNS.get(ordering.key()));
                keys.add("CASE WHEN " + column + " IS NULL THEN 1 ELSE 0 END");
                keys.add(column + direction);
            }
        }
    }
}
