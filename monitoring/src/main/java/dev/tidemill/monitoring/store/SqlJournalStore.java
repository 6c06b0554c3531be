package dev.tidemill.monitoring.store;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.AnswerValues;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.MeasuredLoss;
import dev.tidemill.monitoring.domain.Quarantine;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** Predictions and labels in the database. */
public final class SqlJournalStore implements JournalStore {
    /** Read, a row's JSON takes about three times its length. */
    private static final String BYTES = "3 * "
            + RowBytes.of("x.features", "x.champion_output", "x.challenger_output", "x.challenger_error", "x.label");

    private final Database database;

    public SqlJournalStore(Database database) {
        this.database = database;
    }

    /** A prediction with what takes time to write down. */
    private record Encoded(Prediction prediction, String features, String champion, String challenger) {}

    /** A row at its place in a batch, in parts that are compared with what is there. */
    public record Given(int place, String project, String deployment, String id, String features) {
        private Given(int place, Encoded row) {
            this(
                    place,
                    row.prediction().project(),
                    row.prediction().deployment(),
                    row.prediction().id(),
                    row.features());
        }
    }

    @Override
    public Prepared prepare(List<Prediction> batch) {
        List<Encoded> rows = batch.stream()
                .map(prediction -> new Encoded(
                        prediction,
                        Json.write(prediction.features()),
                        Json.write(prediction.champion()),
                        Json.write(prediction.challenger())))
                .toList();
        return quarantined -> {
            int[] written = insert(rows, quarantined);
            List<Given> leftOut = IntStream.range(0, written.length)
                    .filter(i -> written[i] == 0)
                    .mapToObj(i -> new Given(i, rows.get(i)))
                    .toList();
            List<Prediction> reused = reused(leftOut).stream()
                    .map(place -> rows.get(place).prediction())
                    .toList();
            noteReused(reused);
            return new PredictionSink.Taken(rows.size() - leftOut.size(), reused);
        };
    }

    private int[] insert(List<Encoded> rows, Map<Prediction, Quarantine> quarantined) {
        return database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO prediction (project, deployment, id, event_time, received_at, features, challenger_served,
                                            champion_version, champion_output, challenger_version, challenger_output,
                                            challenger_error, quarantine)
                    VALUES (:project, :deployment, :id, :eventTime, :receivedAt, :featuresJson, :challengerServed,
                            :championVersion, :championJson, :challengerVersionOrNull, :challengerJson,
                            :challengerErrorOrNull, :quarantine)
                    ON CONFLICT DO NOTHING
                    """);
            for (Encoded row : rows) {
                Quarantine cause = quarantined.get(row.prediction());
                batch.bindMethods(row.prediction())
                        .bind("featuresJson", row.features())
                        .bind("championJson", row.champion())
                        .bind(
                                "challengerVersionOrNull",
                                row.prediction().challengerVersion().orElse(null))
                        .bind("challengerJson", row.challenger())
                        .bind(
                                "challengerErrorOrNull",
                                row.prediction().challengerError().orElse(null))
                        .bind("quarantine", cause == null ? null : cause.name())
                        .add();
            }
            return batch.execute();
        });
    }

    /** Places of those whose ids stand for other features. */
    private List<Integer> reused(List<Given> known) {
        if (known.isEmpty()) {
            return List.of();
        }
        return database.reading(handle -> handle.createQuery("""
                        WITH given (place, project, deployment, id, features) AS (VALUES <given>)
                        SELECT given.place FROM given JOIN prediction
                          ON prediction.project = given.project AND prediction.deployment = given.deployment
                             AND prediction.id = given.id
                        WHERE prediction.features <> given.features ORDER BY given.place
                        """)
                .bindMethodsList("given", known, List.of("place", "project", "deployment", "id", "features"))
                .mapTo(Integer.class)
                .list());
    }

    private void noteReused(List<Prediction> predictions) {
        if (predictions.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    UPDATE prediction SET reused = TRUE
                    WHERE project = :project AND deployment = :deployment AND id = :id AND NOT reused
                    """);
            predictions.forEach(one -> batch.bindMethods(one.key()).add());
            return batch.execute();
        });
    }

    @Override
    public Set<String> known(String project, String deployment, Collection<String> ids) {
        if (ids.isEmpty()) {
            return Set.of();
        }
        return database.reading(handle -> handle.createQuery("""
                        SELECT id FROM prediction
                        WHERE project = :project AND deployment = :deployment AND id IN (<ids>)
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bindList("ids", List.copyOf(ids))
                .mapTo(String.class)
                .set());
    }

    @Override
    public List<Answered> answered(String project, String deployment, Collection<String> ids) {
        if (ids.isEmpty()) {
            return List.of();
        }
        return database.reading(handle -> handle.createQuery("""
                        SELECT id, event_time, champion_version, champion_output, challenger_version, challenger_output,
                               label, reused
                        FROM prediction WHERE project = :project AND deployment = :deployment AND id IN (<ids>)
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bindList("ids", List.copyOf(ids))
                .map((row, context) -> new Answered(
                        row.getString("id"),
                        Columns.instant(row, "event_time"),
                        row.getInt("champion_version"),
                        values(row, "champion_output"),
                        Columns.optionalLong(row, "challenger_version").map(Long::intValue),
                        values(row, "challenger_output"),
                        Columns.optionalText(row, "label"),
                        row.getBoolean("reused")))
                .list());
    }

    @Override
    public Labels labels(Range range, int limit) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT count(*) AS looked_at, count(label) AS labelled, count(loss) AS compared,
                               COALESCE(MAX(CASE WHEN loss IS NOT NULL THEN labelled_at - event_time END), 0) AS slowest
                        FROM (SELECT label, labelled_at, event_time,
                                     CASE WHEN challenger_served THEN challenger_loss ELSE champion_loss END AS loss
                              FROM prediction
                              WHERE project = :project AND deployment = :deployment
                                AND event_time >= :from AND event_time < :until AND quarantine IS NULL
                              ORDER BY event_time, id LIMIT :limit) believed
                        """)
                .bind("project", range.project())
                .bind("deployment", range.deployment())
                .bind("from", range.from())
                .bind("until", range.until())
                .bind("limit", limit)
                .map((row, context) -> new Labels(
                        row.getLong("labelled"),
                        row.getLong("compared"),
                        Duration.ofMillis(row.getLong("slowest")),
                        row.getLong("looked_at") < limit))
                .one());
    }

    @Override
    public Labelling label(String project, String deployment, List<Labelled> labels, Instant at) {
        if (labels.isEmpty()) {
            return new Labelling(0, 0);
        }
        return database.write(() -> {
            int[] first = set(project, deployment, labels, at, "label IS NULL");
            var rest = new ArrayList<Labelled>();
            for (int i = 0; i < first.length; i++) {
                if (first[i] == 0) {
                    rest.add(labels.get(i));
                }
            }
            int[] other = rest.isEmpty() ? new int[0] : set(project, deployment, rest, at, "label <> :label");
            return new Labelling(
                    Arrays.stream(first).sum(), Arrays.stream(other).sum());
        });
    }

    private int[] set(String project, String deployment, List<Labelled> labels, Instant at, String where) {
        return database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    UPDATE prediction
                    SET label = :label, labelled_at = :at,
                        champion_loss = :championLossOrNull, champion_loss_kind = :championKindOrNull,
                        challenger_loss = :challengerLossOrNull, challenger_loss_kind = :challengerKindOrNull
                    WHERE project = :project AND deployment = :deployment AND id = :id AND %s
                    """.formatted(where));
            for (Labelled label : labels) {
                batch.bindMethods(label)
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("at", at)
                        .bind("championLossOrNull", value(label.championLoss()))
                        .bind("championKindOrNull", kind(label.championLoss()))
                        .bind("challengerLossOrNull", value(label.challengerLoss()))
                        .bind("challengerKindOrNull", kind(label.challengerLoss()))
                        .add();
            }
            return batch.execute();
        });
    }

    private static @Nullable Double value(Optional<MeasuredLoss> loss) {
        return loss.map(MeasuredLoss::value).orElse(null);
    }

    private static @Nullable String kind(Optional<MeasuredLoss> loss) {
        return loss.map(measured -> measured.kind().name()).orElse(null);
    }

    @Override
    public Portion<JournalRow> page(Range range, Optional<Position> after, int limit) {
        String sql = """
                SELECT * FROM prediction
                WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time < :until
                  AND quarantine IS NULL %s
                ORDER BY event_time, id LIMIT :limit
                """.formatted(after.isPresent() ? "AND (event_time, id) > (:time, :id)" : "");
        return RowBytes.passingPage(
                database, limit, weighing(sql, range, after, limit), SqlJournalStore::id, reading(range));
    }

    @Override
    public Portion<JournalRow> newest(Range range, Optional<Position> before, int limit) {
        String sql = """
                SELECT * FROM prediction
                WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time < :until %s
                ORDER BY event_time DESC, id DESC LIMIT :limit
                """.formatted(before.isPresent() ? "AND (event_time, id) < (:time, :id)" : "");
        return RowBytes.page(database, limit, weighing(sql, range, before, limit), SqlJournalStore::id, reading(range));
    }

    /** Weighs one row more than is asked for, which tells whether others follow. */
    private static Function<Handle, Query> weighing(
            String search, Range range, Optional<Position> position, int limit) {
        return handle -> handle.createQuery(RowBytes.weighing("x.id", BYTES, search))
                .bindMethods(range)
                .bind("time", position.map(Position::eventTime).orElse(Instant.EPOCH))
                .bind("id", position.map(Position::id).orElse(""))
                .bind("limit", limit + 1);
    }

    private static String id(ResultSet row, StatementContext context) throws SQLException {
        return row.getString("id");
    }

    private static BiFunction<Handle, RowBytes.Fitting<String>, List<JournalRow>> reading(Range range) {
        return (handle, fitting) -> RowBytes.inOrder(
                fitting.keys(),
                handle.createQuery("""
                                SELECT * FROM prediction
                                WHERE project = :project AND deployment = :deployment AND id IN (<ids>)
                                """)
                        .bindMethods(range)
                        .bindList("ids", fitting.keys())
                        .map((row, context) -> row(row))
                        .list(),
                JournalRow::id);
    }

    @Override
    public long count(Range range) {
        return database.reading(handle ->
                handle.createQuery("""
                        SELECT COUNT(*) FROM prediction
                        WHERE project = :project AND deployment = :deployment
                          AND event_time >= :from AND event_time < :until
                        """).bindMethods(range).mapTo(Long.class).one());
    }

    @Override
    public Optional<Instant> first(Range range) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT event_time FROM prediction
                        WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time < :until
                          AND quarantine IS NULL
                        ORDER BY event_time LIMIT 1
                        """)
                .bindMethods(range)
                .map((row, context) -> Columns.instant(row, "event_time"))
                .findOne());
    }

    @Override
    public Reliability reliability(Range range, int challenger) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT count(*) AS asked, count(challenger_error) AS failed FROM prediction
                        WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time < :until
                          AND challenger_version = :challenger AND quarantine IS NULL
                        """)
                .bindMethods(range)
                .bind("challenger", challenger)
                .map((row, context) -> new Reliability(row.getLong("asked"), row.getLong("failed")))
                .one());
    }

    @Override
    public Released release(String project, String deployment, Instant from, Instant until) {
        String held = """
                WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time <= :until
                  AND quarantine IN ('%s', '%s')
                """.formatted(Quarantine.FAR_AHEAD.name(), Quarantine.FAR_BEHIND.name());
        Optional<Instant> latest = database.reading(
                handle -> handle.createQuery("SELECT MAX(event_time) AS latest FROM prediction " + held)
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("from", from)
                        .bind("until", until)
                        .map((row, context) -> Columns.optionalInstant(row, "latest"))
                        .one());
        if (latest.isEmpty()) {
            return Released.NONE;
        }
        int rows = database.writing(handle -> handle.createUpdate("UPDATE prediction SET quarantine = NULL " + held)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("from", from)
                .bind("until", until)
                .execute());
        return new Released(rows, latest);
    }

    @Override
    public int hold(String project, String deployment, Instant before, Instant after) {
        return hold(project, deployment, "<", before, Quarantine.FAR_BEHIND)
                + hold(project, deployment, ">", after, Quarantine.FAR_AHEAD);
    }

    private int hold(String project, String deployment, String comparison, Instant time, Quarantine cause) {
        return database.writing(handle -> handle.createUpdate("""
                        UPDATE prediction SET quarantine = :cause
                        WHERE project = :project AND deployment = :deployment AND event_time %s :time
                          AND quarantine IS NULL
                        """.formatted(comparison))
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("time", time)
                .bind("cause", cause.name())
                .execute());
    }

    @Override
    public int delete(String project, String deployment, int limit) {
        return database.writing(handle -> handle.createUpdate("""
                        DELETE FROM prediction WHERE (project, deployment, id) IN
                            (SELECT project, deployment, id FROM prediction
                             WHERE project = :project AND deployment = :deployment LIMIT :limit)
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("limit", limit)
                .execute());
    }

    @Override
    public Optional<Position> beyond(Range range, long newest) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT event_time, id FROM prediction
                        WHERE project = :project AND deployment = :deployment AND event_time >= :from AND event_time < :until
                        ORDER BY event_time DESC, id DESC LIMIT 1 OFFSET :newest
                        """)
                .bindMethods(range)
                .bind("newest", newest)
                .map((row, context) -> new Position(Columns.instant(row, "event_time"), row.getString("id")))
                .findOne());
    }

    @Override
    public int deleteUntil(Range range, Position last, int limit) {
        return database.writing(handle -> handle.createUpdate("""
                        DELETE FROM prediction WHERE project = :project AND deployment = :deployment AND id IN
                            (SELECT id FROM prediction
                             WHERE project = :project AND deployment = :deployment AND event_time >= :from
                               AND (event_time, id) <= (:time, :id)
                             ORDER BY event_time, id LIMIT :limit)
                        """)
                .bindMethods(range)
                .bind("time", last.eventTime())
                .bind("id", last.id())
                .bind("limit", limit)
                .execute());
    }

    @Override
    public int deleteReceivedBefore(Instant time, int limit) {
        return Deletions.oldest(database, "prediction", "project, deployment, id", "received_at", time, limit);
    }

    @SuppressWarnings("unchecked")
    private static JournalRow row(ResultSet row) throws SQLException {
        return new JournalRow(
                row.getString("id"),
                Columns.instant(row, "event_time"),
                (Map<String, Object>) Json.read(row.getString("features"), Map.class),
                row.getBoolean("challenger_served"),
                row.getInt("champion_version"),
                values(row, "champion_output"),
                Columns.optionalLong(row, "challenger_version").map(Long::intValue),
                values(row, "challenger_output"),
                Columns.optionalText(row, "label"),
                Columns.optionalNumber(row, "champion_loss"),
                Columns.optionalText(row, "champion_loss_kind").map(MeasuredLoss.Kind::valueOf),
                Columns.optionalNumber(row, "challenger_loss"),
                Columns.optionalText(row, "challenger_loss_kind").map(MeasuredLoss.Kind::valueOf),
                Columns.optionalText(row, "quarantine").map(Quarantine::valueOf));
    }

    private static List<Object> values(ResultSet row, String column) throws SQLException {
        return AnswerValues.read(Json.read(row.getString(column), List.class));
    }
}
