package dev.tidemill.deployments.store;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.DeploymentStore;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Deployments in the database. */
public final class SqlDeploymentStore implements DeploymentStore {
    private final Database database;

    public SqlDeploymentStore(Database database) {
        this.database = database;
    }

    @Override
    public boolean define(String project, String name, Deployment.Definition definition) {
        return database.write(() -> {
            insert(project, name, definition);
            // From here on nobody else changes it, so that what is found decides.
            lock(project, name);
            Deployment before = find(project, name).orElseThrow();
            boolean same = before.definition().model().equals(definition.model());
            if (!same && (before.champion().isPresent() || before.challenger().isPresent())) {
                return false;
            }
            // Who has read the other model and is about to offer a version of it must see that it has changed.
            database.writing(handle -> handle.createUpdate("""
                            UPDATE deployment SET definition = :definition, revision = revision + :change
                            WHERE project = :project AND name = :name
                            """)
                    .bind("definition", Json.write(definition))
                    .bind("change", same ? 0 : 1)
                    .bind("project", project)
                    .bind("name", name)
                    .execute());
            return true;
        });
    }

    private void insert(String project, String name, Deployment.Definition definition) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO deployment (project, name, definition, revision, phase, share)
                        VALUES (:project, :name, :definition, 0, 'NONE', 0) ON CONFLICT DO NOTHING
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("definition", Json.write(definition))
                .execute());
    }

    private void lock(String project, String name) {
        database.writing(handle -> handle.createUpdate(
                        "UPDATE deployment SET revision = revision WHERE project = :project AND name = :name")
                .bind("project", project)
                .bind("name", name)
                .execute());
    }

    @Override
    public Optional<Deployment> find(String project, String name) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM deployment WHERE project = :project AND name = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .map((row, context) -> deployment(row))
                        .findOne());
    }

    @Override
    public List<Deployment> list(String project) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM deployment WHERE project = :project ORDER BY name")
                        .bind("project", project)
                        .map((row, context) -> deployment(row))
                        .list());
    }

    @Override
    public List<Deployment> listAll() {
        return database.reading(handle -> handle.createQuery("SELECT * FROM deployment ORDER BY project, name")
                .map((row, context) -> deployment(row))
                .list());
    }

    @Override
    public boolean save(Deployment state) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE deployment
                                SET revision = :revision, champion = :championOrNull, champion_since = :championSinceMillis,
                                    challenger = :challengerOrNull, phase = :phase, share = :share,
                                    phase_since = :phaseSinceMillis, offered_at = :offeredAtMillis
                                WHERE project = :project AND name = :name AND revision = :revision - 1
                                """)
                        .bindMethods(state)
                        .bind("championOrNull", state.champion().orElse(null))
                        .bind("challengerOrNull", state.challenger().orElse(null))
                        .bind("championSinceMillis", millis(state.championSince()))
                        .bind("phaseSinceMillis", millis(state.phaseSince()))
                        .bind("offeredAtMillis", millis(state.offeredAt()))
                        .execute())
                > 0;
    }

    @Override
    public void delete(String project, String name, Instant at) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE deployment_decision SET gone_at = :at, made_by = NULL
                        WHERE project = :project AND deployment = :name AND gone_at IS NULL
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("at", at)
                .execute());
        database.writing(
                handle -> handle.createUpdate("DELETE FROM deployment WHERE project = :project AND name = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .execute());
    }

    private static @org.jspecify.annotations.Nullable Long millis(Optional<Instant> time) {
        return time.map(Instant::toEpochMilli).orElse(null);
    }

    @Override
    public void moveEventTime(String project, String name, Instant time) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE deployment SET event_time = :time
                        WHERE project = :project AND name = :name AND (event_time IS NULL OR event_time < :time)
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("time", time)
                .execute());
    }

    @Override
    public void savePolicy(String project, String name, int version, Policy policy) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO rollout_policy (project, name, version, definition)
                        VALUES (:project, :name, :version, :definition)
                        ON CONFLICT (project, name) DO UPDATE
                        SET version = excluded.version, definition = excluded.definition
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("version", version)
                .bind("definition", Json.write(policy))
                .execute());
    }

    @Override
    public Optional<Policy> findPolicy(String project, String name) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT definition FROM rollout_policy WHERE project = :project AND name = :name")
                .bind("project", project)
                .bind("name", name)
                .map((row, context) -> Json.read(row.getString("definition"), Policy.class))
                .findOne());
    }

    @Override
    public boolean addDecision(String project, String deployment, Decision decision, Optional<String> madeBy) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO deployment_decision (project, deployment, at, recorded_at, action, version,
                                                                 reason, evidence, actor, made_by)
                                VALUES (:project, :deployment, :atMillis, :recordedAt, :action, :versionOrNull,
                                        :reason, :evidenceJson, :actor, :madeBy)
                                ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(decision)
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("atMillis", millis(decision.at()))
                        .bind("versionOrNull", decision.version().orElse(null))
                        .bind("evidenceJson", Json.write(decision.evidence()))
                        .bind("madeBy", madeBy.orElse(null))
                        .execute())
                > 0;
    }

    @Override
    public Optional<Decision> findDecision(String project, String deployment, String madeBy) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM deployment_decision
                        WHERE project = :project AND deployment = :deployment AND made_by = :madeBy AND gone_at IS NULL
                        """)
                .bind("project", project)
                .bind("deployment", deployment)
                .bind("madeBy", madeBy)
                .map((row, context) -> decision(row))
                .findOne());
    }

    @Override
    public List<Decision> newestDecisions(
            String project, String deployment, long before, int limit, List<Decision.Action> actions) {
        return database.reading(handle -> handle.createQuery("""
                                SELECT * FROM deployment_decision
                                WHERE project = :project AND deployment = :deployment AND position < :before
                                  AND action IN (<actions>) AND gone_at IS NULL
                                ORDER BY position DESC LIMIT :limit
                                """)
                        .bind("project", project)
                        .bind("deployment", deployment)
                        .bind("before", before)
                        .bind("limit", limit)
                        .bindList("actions", actions.stream().map(Enum::name).toList())
                        .map((row, context) -> decision(row))
                        .list())
                .reversed();
    }

    @SuppressWarnings("unchecked")
    private static Decision decision(ResultSet row) throws SQLException {
        return new Decision(
                row.getLong("position"),
                Columns.optionalInstant(row, "at"),
                Columns.instant(row, "recorded_at"),
                Decision.Action.valueOf(row.getString("action")),
                Columns.optionalLong(row, "version").map(Long::intValue),
                row.getString("reason"),
                (Map<String, Object>) Json.read(row.getString("evidence"), Map.class),
                row.getString("actor"));
    }

    private static Deployment deployment(ResultSet row) throws SQLException {
        return new Deployment(
                row.getString("project"),
                row.getString("name"),
                Json.read(row.getString("definition"), Deployment.Definition.class),
                row.getLong("revision"),
                Columns.optionalLong(row, "champion").map(Long::intValue),
                Columns.optionalInstant(row, "champion_since"),
                Columns.optionalLong(row, "challenger").map(Long::intValue),
                Deployment.Phase.valueOf(row.getString("phase")),
                row.getDouble("share"),
                Columns.optionalInstant(row, "phase_since"),
                Columns.optionalInstant(row, "offered_at"),
                Columns.optionalInstant(row, "event_time"));
    }
}
