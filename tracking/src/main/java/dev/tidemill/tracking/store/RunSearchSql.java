package dev.tidemill.tracking.store;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.RunStore.Start;
import dev.tidemill.tracking.domain.SearchKeys;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes a search of runs as SQL. A clause on a metric, param or tag is a join with that key's row, driven by the index on key
 * and value where the database finds that cheaper; what has no such row never matches.
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

    /** Finds the number of a metric's name; empty for one that nobody has logged. */
    @FunctionalInterface
    interface MetricNumbers {
        Optional<Long> of(String name);
    }

    private final SqlCondition condition;
    private final MetricNumbers metrics;
    private final StringBuilder joins = new StringBuilder();
    private final List<String> keys = new ArrayList<>();
    private int aliases;

    RunSearchSql(Dialect dialect, MetricNumbers metrics) {
        this.condition = new SqlCondition(dialect);
        this.metrics = metrics;
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
        boolean byStart = false;
        for (Ordering ordering : order) {
            ordering(ordering);
            byStart |= ordering.key().equals("start_time");
        }
        if (!byStart) {
            keys.add("r.started_at DESC");
        }
        keys.add("r.id ASC");
        long offset = start.offset();
        if (start.last().isPresent() && order.isEmpty()) {
            // Goes on behind the last run by the index, however far down the list it is.
            String time = condition.bind(start.last().get().startedAt());
            condition.and("r.started_at <= " + time);
            condition.and("(r.started_at < " + time + " OR r.id > "
                    + condition.bind(start.last().get().id()) + ")");
            offset = 0;
        }
        return "SELECT r.* FROM run r" + joins + condition + " ORDER BY " + String.join(", ", keys) + " LIMIT " + limit
                + " OFFSET " + offset;
    }

    /** Counts what matches. */
    String count(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter) {
        where(project, experiments, lifecycle, filter);
        return "SELECT COUNT(*) FROM run r" + joins + condition;
    }

    private void where(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter) {
        condition.and("r.project = " + condition.bind(project));
        condition.and("r.experiment_id IN " + SqlCondition.numbers(experiments));
        if (lifecycle != Lifecycle.ALL) {
            condition.and("r.deleted = " + condition.bind(lifecycle == Lifecycle.DELETED_ONLY));
        }
        filter.forEach(this::clause);
    }

    private void clause(Comparison clause) {
        switch (clause.entity()) {
            case SearchKeys.METRIC -> {
                String alias = "f" + aliases++;
                joins.append(" JOIN metric_newest " + alias + " ON " + alias + ".run = r.number AND " + alias
                        + ".metric = " + metric(clause.key()));
                condition.and("NOT " + alias + ".is_nan");
                condition.and(condition.compare(alias + ".value", clause.operator(), clause.operand()));
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
            default ->
                condition.and(condition.compare(
                        String.valueOf(COLUMNS.get(clause.key())), clause.operator(), clause.operand()));
        }
    }

    private void text(String table, Comparison clause) {
        String alias = "f" + aliases++;
        joins.append(" JOIN " + table + " " + alias + " ON " + alias + ".run = r.number AND " + alias + ".name = "
                + condition.bind(clause.key()));
        condition.and(condition.compareIndexed(alias + ".value", clause.operator(), clause.operand()));
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
                        "order_by", "Invalid order_by entity: runs are not ordered by data sets");
            default -> {
                String column = String.valueOf(COLUMNS.get(ordering.key()));
                keys.add("CASE WHEN " + column + " IS NULL THEN 1 ELSE 0 END");
                keys.add(column + direction);
            }
        }
    }
}
