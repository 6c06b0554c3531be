package dev.tidemill.monitoring.store;

import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.monitoring.domain.ChallengerCalls;
import dev.tidemill.monitoring.domain.MeasuredLoss;
import dev.tidemill.monitoring.domain.Slice;
import dev.tidemill.monitoring.domain.SliceStore;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Running sums in the database. */
public final class SqlSliceStore implements SliceStore {
    /** As it is written down. */
    private record Trials(Map<Integer, Slice.Trial> byChallenger) {}

    /** As it is written down. */
    private record Counts(Map<String, long[]> byColumn) {}

    private static final String NO_COUNTS = Json.write(new Counts(Map.of()));

    private final Database database;

    public SqlSliceStore(Database database) {
        this.database = database;
    }

    @Override
    public void addSlice(String project, String deployment, Slice slice, Instant at) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_slice (project, deployment, starts_at, ends_at, version, row_count, labelled,
                                                   loss, loss_kinds, trials, counts, written_at)
                        VALUES (:project, :deployment, :startsAt, :endsAt, :version, :rows, :labelled,
                                :loss, :kindsJson, :trialsJson, :countsJson, :at)
                        """)
                .bindMethods(slice)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("kindsJson", Json.write(slice.kinds()))
                .bind("trialsJson", Json.write(new Trials(slice.trials())))
                .bind("countsJson", Json.write(new Counts(slice.counts())))
                .bind("at", at)
                .execute());
    }

    @Override
    public List<Slice> slices(String project, String deployment, Instant from, Instant until) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM monitor_slice
                        WHERE project = :project AND deployment = :deployment
                          AND starts_at >= :from AND starts_at < :until
                        ORDER BY starts_at
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("from", from)
                .bind("until", until)
                .map((row, context) -> new Slice(
                        Columns.instant(row, "starts_at"),
                        Columns.instant(row, "ends_at"),
                        row.getInt("version"),
                        row.getLong("row_count"),
                        row.getLong("labelled"),
                        row.getDouble("loss"),
                        kinds(row),
                        Json.read(row.getString("trials"), Trials.class).byChallenger(),
                        Json.read(row.getString("counts"), Counts.class).byColumn()))
                .list());
    }

    @Override
    public Optional<Instant> firstSlice(String project, String deployment, Instant from) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT starts_at FROM monitor_slice
                        WHERE project = :project AND deployment = :deployment AND starts_at >= :from
                        ORDER BY starts_at LIMIT 1
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("from", from)
                .map((row, context) -> Columns.instant(row, "starts_at"))
                .findOne());
    }

    @Override
    public List<Evidence.Sums> trial(String project, String deployment, int challenger, Instant since) {
        var sums = new ArrayList<Evidence.Sums>();
        database.reading(handle -> {
            handle.createQuery("""
                            SELECT starts_at, ends_at, trials, loss_kinds FROM monitor_slice
                            WHERE project = :project AND deployment = :deployment AND starts_at >= :since
                            ORDER BY starts_at
                            """)
                    .bind("project", project)
                    .bind("deployment", deployment)
                    .bind("since", since)
                    .map((row, context) -> sums(row, challenger))
                    .forEach(found -> found.ifPresent(sums::add));
            return true;
        });
        return sums;
    }

    private static Set<MeasuredLoss.Kind> kinds(ResultSet row) throws SQLException {
        return Set.of(Json.read(row.getString("loss_kinds"), MeasuredLoss.Kind[].class));
    }

    private static Optional<Evidence.Sums> sums(ResultSet row, int challenger) throws SQLException {
        Instant startsAt = Columns.instant(row, "starts_at");
        Instant endsAt = Columns.instant(row, "ends_at");
        Set<MeasuredLoss.Kind> kinds = kinds(row);
        return Optional.ofNullable(Json.read(row.getString("trials"), Trials.class)
                        .byChallenger()
                        .get(challenger))
                .map(trial -> trial.evidence(startsAt, endsAt, kinds.contains(MeasuredLoss.Kind.CLASS)));
    }

    @Override
    public void dropProfiles(String project, String deployment, Instant until) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE monitor_slice SET counts = :none
                        WHERE project = :project AND deployment = :deployment AND starts_at < :until AND counts <> :none
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("until", until)
                .bind("none", NO_COUNTS)
                .execute());
    }

    @Override
    public void forgetSlices(String project, String deployment) {
        for (String table : List.of("monitor_slice", "monitor_challenger_calls")) {
            database.writing(handle -> handle.createUpdate(
                            "DELETE FROM " + table + " WHERE project = :project AND deployment = :deployment")
                    .bind("project", project)
                    .bind("deployment", deployment)
                    .execute());
        }
    }

    @Override
    public void saveCalls(String project, String deployment, ChallengerCalls calls, Instant at) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO monitor_challenger_calls (project, deployment, challenger, starts_at, ends_at,
                                                              asked, failed, written_at)
                        VALUES (:project, :deployment, :challenger, :startsAt, :endsAt, :asked, :failed, :at)
                        ON CONFLICT (project, deployment, challenger, ends_at) DO UPDATE
                        SET asked = excluded.asked, failed = excluded.failed
                        """)
                .bindMethods(calls)
                .bindMethods(calls.reliability())
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("at", at)
                .execute());
    }

    @Override
    public CallTotals callTotals(String project, String deployment, int challenger, Instant after) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT COALESCE(SUM(asked), 0) AS asked, COALESCE(SUM(failed), 0) AS failed, MAX(ends_at) AS until
                        FROM monitor_challenger_calls
                        WHERE project = :project AND deployment = :deployment AND challenger = :challenger
                          AND ends_at > :after
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("challenger", challenger)
                .bind("after", after)
                .map((row, context) -> new CallTotals(reliability(row), Columns.optionalInstant(row, "until")))
                .one());
    }

    private static Reliability reliability(ResultSet row) throws SQLException {
        return new Reliability(row.getLong("asked"), row.getLong("failed"));
    }

    @Override
    public List<ChallengerCalls> callsEnding(
            String project, String deployment, int challenger, Instant after, Instant notAfter) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM monitor_challenger_calls
                        WHERE project = :project AND deployment = :deployment AND challenger = :challenger
                          AND ends_at > :after AND ends_at <= :notAfter
                        ORDER BY ends_at
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("challenger", challenger)
                .bind("after", after)
                .bind("notAfter", notAfter)
                .map((row, context) -> new ChallengerCalls(
                        Columns.instant(row, "starts_at"),
                        Columns.instant(row, "ends_at"),
                        challenger,
                        reliability(row)))
                .list());
    }

    @Override
    public int deleteSlicesBefore(Instant time, int limit) {
        return Deletions.oldest(database, "monitor_slice", "project, deployment, starts_at", "written_at", time, limit);
    }

    @Override
    public int deleteCallsBefore(Instant time, int limit) {
        return Deletions.oldest(
                database,
                "monitor_challenger_calls",
                "project, deployment, challenger, ends_at",
                "written_at",
                time,
                limit);
    }
}
