package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.RunStore.RunState;
import dev.tidemill.tracking.domain.Tracking.Span;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Points of metrics: all of them, and beside them the latest of each, which searches look at. */
final class SqlMetricStore {
    private static final Comparator<MetricPoint> LATER = Comparator.comparingLong(MetricPoint::step)
            .thenComparing(MetricPoint::recordedAt)
            .thenComparingDouble(MetricPoint::value);

    private static final int FETCHED = 5_000;

    private final Database database;
    private final MetricNames names;

    SqlMetricStore(Database database, MetricNames names) {
        this.database = database;
        this.names = names;
    }

    void add(RunState run, List<MetricPoint> points) {
        if (points.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            var numbers = new HashMap<String, Long>();
            var latest = new HashMap<String, MetricPoint>();
            // In one order for all writers, so that two of them never wait for each other.
            points.stream()
                    .map(MetricPoint::name)
                    .distinct()
                    .sorted()
                    .forEach(name -> numbers.put(name, names.number(name)));
            for (MetricPoint point : points) {
                latest.merge(point.name(), point, (a, b) -> LATER.compare(a, b) >= 0 ? a : b);
            }
            PreparedBatch all = handle.prepareBatch("""
                    INSERT INTO metric_value (run, metric, step, recorded_at, value, is_nan)
                    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """);
            points.forEach(point -> bind(all, run, numbers, point));
            all.execute();
            PreparedBatch newest = handle.prepareBatch("""
                    INSERT INTO metric_newest (run, metric, step, recorded_at, value, is_nan)
                    VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT (run, metric) DO UPDATE
                    SET step = excluded.step, recorded_at = excluded.recorded_at, value = excluded.value,
                        is_nan = excluded.is_nan
                    WHERE (excluded.step, excluded.recorded_at, excluded.value)
                        > (metric_newest.step, metric_newest.recorded_at, metric_newest.value)
                    """);
            latest.values().stream()
                    .sorted(Comparator.comparing(MetricPoint::name))
                    .forEach(point -> bind(newest, run, numbers, point));
            return newest.execute();
        });
    }

    private static void bind(PreparedBatch batch, RunState run, Map<String, Long> numbers, MetricPoint point) {
        boolean nan = Double.isNaN(point.value());
        batch.bind(0, run.number())
                .bind(1, numbers.get(point.name()))
                .bind(2, point.step())
                .bind(3, point.recordedAt().toEpochMilli())
                .bind(4, nan ? 0 : Math.clamp(point.value(), -Double.MAX_VALUE, Double.MAX_VALUE))
                .bind(5, nan)
                .add();
    }

    static MetricPoint point(String name, ResultSet row) throws SQLException {
        return new MetricPoint(
                name,
                row.getLong("step"),
                Columns.instant(row, "recorded_at"),
                row.getBoolean("is_nan") ? Double.NaN : row.getDouble("value"));
    }

    List<MetricPoint> history(RunState run, String metric, boolean byStep, Optional<MetricPoint> after, int limit) {
        Optional<Long> number = names.find(metric);
        if (number.isEmpty()) {
            return List.of();
        }
        String order = byStep ? "step, recorded_at, value, is_nan" : "recorded_at, step, value, is_nan";
        String behind = after.isEmpty()
                ? ""
                : byStep
                        ? "AND (step, recorded_at, value, is_nan) > (:step, :at, :value, :nan)"
                        : "AND (recorded_at, step, value, is_nan) > (:at, :step, :value, :nan)";
        return database.reading(handle -> {
            var query = handle.createQuery("""
                            SELECT step, recorded_at, value, is_nan FROM metric_value
                            WHERE run = :run AND metric = :metric %s ORDER BY %s LIMIT :limit
                            """.formatted(behind, order))
                    .bind("run", run.number())
                    .bind("metric", number.get())
                    .bind("limit", limit);
            after.ifPresent(point -> query.bind("step", point.step())
                    .bind("at", point.recordedAt())
                    .bind("value", Double.isNaN(point.value()) ? 0 : point.value())
                    .bind("nan", Double.isNaN(point.value())));
            return query.map((row, context) -> point(metric, row)).list();
        });
    }

    boolean timesFall(RunState run, String metric) {
        return names.find(metric)
                .map(number -> database.readingLong(handle -> handle.createQuery("""
                                SELECT EXISTS (SELECT 1 FROM (
                                    SELECT recorded_at, LAG(recorded_at) OVER (ORDER BY step, recorded_at, value, is_nan) AS before
                                    FROM metric_value WHERE run = :run AND metric = :metric) pair
                                    WHERE before > recorded_at)
                                """)
                        .bind("run", run.number())
                        .bind("metric", number)
                        .mapTo(Boolean.class)
                        .one()))
                .orElse(false);
    }

    /**
     * The table's own order is by step. Where times do not fall along it, as they seldom do, it is the order that is asked for, and
     * nothing needs to be sorted.
     */
    void each(RunState run, String metric, Consumer<MetricPoint> each) {
        Optional<Long> number = names.find(metric);
        if (number.isEmpty()) {
            return;
        }
        database.readingLong(handle -> {
            var last = new long[] {Long.MIN_VALUE};
            var falls = new boolean[1];
            stream(handle, "recorded_at", "step, recorded_at, value", run, number.get(), row -> {
                falls[0] |= row.getLong(1) < last[0];
                last[0] = row.getLong(1);
            });
            stream(
                    handle,
                    "step, recorded_at, value, is_nan",
                    falls[0] ? "recorded_at, step, value, is_nan" : "step, recorded_at, value, is_nan",
                    run,
                    number.get(),
                    row -> each.accept(point(metric, row)));
            return true;
        });
    }

    @FunctionalInterface
    private interface RowReader {
        void read(ResultSet row) throws SQLException;
    }

    private static void stream(
            Handle handle, String columns, String order, RunState run, long metric, RowReader reader) {
        handle.createQuery("SELECT " + columns + " FROM metric_value WHERE run = :run AND metric = :metric ORDER BY "
                        + order)
                .setFetchSize(FETCHED)
                .bind("run", run.number())
                .bind("metric", metric)
                .scanResultSet((rows, context) -> {
                    try (context) {
                        ResultSet row = rows.get();
                        while (row.next()) {
                            reader.read(row);
                        }
                    }
                    return true;
                });
    }

    List<MetricPoint> envelope(RunState run, String metric, Span span, int buckets) {
        Optional<Long> number = names.find(metric);
        if (number.isEmpty()) {
            return List.of();
        }
        return database.readingLong(handle -> {
            long[] ends = handle.createQuery(
                            "SELECT MIN(step), MAX(step), COUNT(*), MIN(recorded_at), MAX(recorded_at)"
                                    + " FROM metric_value WHERE run = :run AND metric = :metric AND step BETWEEN :first AND :last")
                    .bind("run", run.number())
                    .bind("first", span.first())
                    .bind("last", span.last())
                    .bind("metric", number.get())
                    .map((row, context) ->
                            new long[] {row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5)})
                    .one();
            // What was logged without steps is spread over the time in which it was logged.
            boolean byTime = ends[0] == ends[1];
            int wanted = ends[2] <= 2L * buckets ? Integer.MAX_VALUE : buckets;
            var thinning = byTime
                    ? new Envelope(point -> point.recordedAt().toEpochMilli(), ends[3], ends[4], wanted)
                    : new Envelope(MetricPoint::step, ends[0], ends[1], wanted);
            try (var points = handle
                    .createQuery("""
                            SELECT step, recorded_at, value, is_nan FROM metric_value
                            WHERE run = :run AND metric = :metric AND step BETWEEN :first AND :last
                            ORDER BY step, recorded_at, value
                            """)
                    .setFetchSize(FETCHED)
                    .bind("run", run.number())
                    .bind("first", span.first())
                    .bind("last", span.last())
                    .bind("metric", number.get())
                    .map((row, context) -> point(metric, row))
                    .stream()) {
                points.forEach(thinning::add);
            }
            return thinning.finish();
        });
    }

    List<MetricPoint> sample(RunState run, String metric, Span span, int most) {
        Optional<Long> number = names.find(metric);
        if (number.isEmpty()) {
            return List.of();
        }
        return database.readingLong(handle -> {
            long all = handle.createQuery("SELECT COUNT(*) FROM metric_value"
                            + " WHERE run = :run AND metric = :metric AND step BETWEEN :first AND :last")
                    .bind("run", run.number())
                    .bind("metric", number.get())
                    .bind("first", span.first())
                    .bind("last", span.last())
                    .mapTo(Long.class)
                    .one();
            return handle.createQuery("""
                            SELECT step, recorded_at, value, is_nan FROM (
                                SELECT step, recorded_at, value, is_nan,
                                       ROW_NUMBER() OVER (ORDER BY step, recorded_at, value) - 1 AS place
                                FROM metric_value WHERE run = :run AND metric = :metric AND step BETWEEN :first AND :last
                            ) AS placed WHERE\s""" + database.dialect().amongNumbers("place", ":places") + " ORDER BY place")
                    .bind("places", SqlCondition.list(places(all, most)))
                    .bind("run", run.number())
                    .bind("metric", number.get())
                    .bind("first", span.first())
                    .bind("last", span.last())
                    .map((row, context) -> point(metric, row))
                    .list();
        });
    }

    /** Places of a sample within so many points. */
    private static List<Long> places(long all, int most) {
        if (all == 0) {
            return List.of(-1L);
        }
        if (all <= most) {
            return LongStream.range(0, all).boxed().toList();
        }
        if (most == 1) {
            return List.of(all - 1);
        }
        double apart = (double) (all - 1) / (most - 1);
        return LongStream.range(0, most)
                .map(i -> (long) Math.rint(i * apart))
                .distinct()
                .boxed()
                .toList();
    }

    /**
     * Of each span of steps, or of time, keeps the points with the least and the greatest value, and one that is no number if there
     * is one, in order.
     */
    private static final class Envelope {
        private final ToLongFunction<MetricPoint> axis;
        private final long first;
        private final double width;
        private final boolean all;
        private final List<MetricPoint> kept = new ArrayList<>();
        private long span = -1;
        private Optional<MetricPoint> least = Optional.empty();
        private Optional<MetricPoint> most = Optional.empty();
        private Optional<MetricPoint> none = Optional.empty();

        Envelope(ToLongFunction<MetricPoint> axis, long first, long last, int buckets) {
            this.axis = axis;
            this.first = first;
            this.all = buckets == Integer.MAX_VALUE;
            this.width = Math.max(1.0, ((double) last - first + 1) / buckets);
        }

        void add(MetricPoint point) {
            if (all) {
                kept.add(point);
                return;
            }
            long at = (long) ((axis.applyAsLong(point) - first) / width);
            if (at != span) {
                flush();
                span = at;
            }
            if (Double.isNaN(point.value())) {
                none = none.or(() -> Optional.of(point));
                return;
            }
            least = least.filter(known -> known.value() <= point.value()).or(() -> Optional.of(point));
            most = most.filter(known -> known.value() >= point.value()).or(() -> Optional.of(point));
        }

        private void flush() {
            Stream.of(least, most, none)
                    .flatMap(Optional::stream)
                    .distinct()
                    .sorted(LATER)
                    .forEach(kept::add);
            least = Optional.empty();
            most = Optional.empty();
            none = Optional.empty();
        }

        List<MetricPoint> finish() {
            flush();
            return kept;
        }
    }
}
