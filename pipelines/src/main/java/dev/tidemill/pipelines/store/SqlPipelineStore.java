package dev.tidemill.pipelines.store;

import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.pipelines.domain.PipelineStore;
import dev.tidemill.pipelines.domain.RunState;
import dev.tidemill.pipelines.domain.StepRun;
import dev.tidemill.pipelines.domain.StepState;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jspecify.annotations.Nullable;

/** Pipelines in the database. */
public final class SqlPipelineStore implements PipelineStore {
    private static final RowMapper<PipelineVersion> VERSION = (row, context) -> new PipelineVersion(
            row.getString("project"),
            row.getString("name"),
            row.getInt("version"),
            row.getString("digest"),
            Json.read(row.getString("definition"), Pipeline.class));
    private static final RowMapper<PipelineRun> RUN = (row, context) -> run(row);
    private static final RowMapper<StepRun> STEP = (row, context) -> step(row);

    private final Database database;

    public SqlPipelineStore(Database database) {
        this.database = database;
    }

    @Override
    public void savePipeline(PipelineVersion version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO pipeline (project, name, version, digest, definition)
                        VALUES (:project, :name, :version, :digest, :definition)
                        """)
                .bindMethods(version)
                .bind("definition", Json.write(version.pipeline()))
                .execute());
    }

    @Override
    public Optional<PipelineVersion> findPipeline(String project, String name) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM pipeline WHERE project = :project AND name = :name
                        ORDER BY version DESC LIMIT 1
                        """)
                .bind("project", project)
                .bind("name", name)
                .map(VERSION)
                .findOne());
    }

    @Override
    public Optional<PipelineVersion> findPipeline(String project, String name, int version) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM pipeline WHERE project = :project AND name = :name AND version = :version")
                .bind("project", project)
                .bind("name", name)
                .bind("version", version)
                .map(VERSION)
                .findOne());
    }

    @Override
    public List<PipelineVersion> pipelines(String project) {
        return database.reading(handle ->
                handle.createQuery("""
                        SELECT * FROM pipeline AS newest
                        WHERE project = :project
                          AND version = (SELECT MAX(version) FROM pipeline
                                         WHERE project = newest.project AND name = newest.name)
                        ORDER BY name
                        """).bind("project", project).map(VERSION).list());
    }

    @Override
    public boolean insertRun(PipelineRun run) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO pipeline_run (id, project, pipeline, pipeline_version, request_key, parameters,
                                                          state, actor, cause, created_at)
                                VALUES (:id, :project, :pipeline, :pipelineVersion, :key, :parametersJson,
                                        :state, :actor, :causeText, :createdAt)
                                ON CONFLICT DO NOTHING
                                """)
                        .bindMethods(run)
                        .bind("id", run.id())
                        .bind("key", run.requestKey().orElse(null))
                        .bind("causeText", run.cause().orElse(null))
                        .bind("parametersJson", Json.write(run.parameters()))
                        .execute())
                > 0;
    }

    @Override
    public void insertStep(StepRun step, int remaining, Instant readyAt) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO step_run (run_id, name, step, position, choice, state, remaining, attempt, failures,
                                              fence, ready_at, cached)
                        VALUES (:runId, :name, :step, :position, :choiceJson, :state, :remaining, 0, 0, 0, :readyAt, FALSE)
                        """)
                .bindMethods(step)
                .bind("choiceJson", Json.write(step.choice()))
                .bind("remaining", remaining)
                .bind("readyAt", readyAt)
                .execute());
    }

    @Override
    public Optional<PipelineRun> findRun(String project, PipelineRunId id) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM pipeline_run WHERE project = :project AND id = :id")
                        .bind("project", project)
                        .bind("id", id)
                        .map(RUN)
                        .findOne());
    }

    @Override
    public PipelineRun run(PipelineRunId id) {
        return database.reading(handle -> handle.createQuery("SELECT * FROM pipeline_run WHERE id = :id")
                .bind("id", id)
                .map(RUN)
                .one());
    }

    @Override
    public Optional<PipelineRun> findRunByKey(String project, String requestKey) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM pipeline_run WHERE project = :project AND request_key = :key")
                .bind("project", project)
                .bind("key", requestKey)
                .map(RUN)
                .findOne());
    }

    @Override
    public List<PipelineRun> newestRuns(String project, Optional<String> pipeline, Optional<String> before, int limit) {
        var sql = new StringBuilder("SELECT * FROM pipeline_run WHERE project = :project");
        pipeline.ifPresent(name -> sql.append(" AND pipeline = :pipeline"));
        before.ifPresent(id -> sql.append(" AND id < :before"));
        sql.append(" ORDER BY id DESC LIMIT :limit");
        return database.reading(handle -> handle.createQuery(sql.toString())
                .bind("project", project)
                .bind("pipeline", pipeline.orElse(""))
                .bind("before", before.orElse(""))
                .bind("limit", limit)
                .map(RUN)
                .list());
    }

    @Override
    public List<PipelineRun> unfinishedRuns() {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM pipeline_run WHERE state IN ('RUNNING', 'CANCELLING')")
                        .map(RUN)
                        .list());
    }

    @Override
    public List<StepRun> steps(PipelineRunId run) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM step_run WHERE run_id = :run ORDER BY step, position")
                        .bind("run", run)
                        .map(STEP)
                        .list());
    }

    @Override
    public Set<StepState> states(PipelineRunId run) {
        return database.reading(handle -> handle.createQuery("SELECT DISTINCT state FROM step_run WHERE run_id = :run")
                .bind("run", run)
                .map((row, context) -> StepState.valueOf(row.getString("state")))
                .set());
    }

    @Override
    public void holdRun(PipelineRunId run) {
        database.writing(handle -> handle.createUpdate("UPDATE pipeline_run SET state = state WHERE id = :id")
                .bind("id", run)
                .execute());
    }

    @Override
    public boolean moveRun(
            PipelineRunId run, Collection<RunState> from, RunState to, Optional<String> error, Instant at) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE pipeline_run
                                SET state = :to, error = :error, finished_at = :finishedAt
                                WHERE id = :id AND state IN (<from>)
                                """)
                        .bindList("from", from.stream().map(Enum::name).toList())
                        .bind("to", to)
                        .bind("error", error.orElse(null))
                        .bind("finishedAt", to.isFinal() ? at.toEpochMilli() : null)
                        .bind("id", run)
                        .execute())
                > 0;
    }

    @Override
    public Optional<StepRun> claim(String owner, Instant now, Instant leaseUntil) {
        String sql = """
                UPDATE step_run
                SET state = 'RUNNING', attempt = attempt + 1, fence = fence + 1, lease_owner = :owner,
                    lease_until = :leaseUntil, started_at = :now, error = NULL
                WHERE (run_id, name) = (SELECT run_id, name FROM step_run
                                        WHERE state = 'READY' AND ready_at <= :now
                                        ORDER BY ready_at, run_id, position, name
                                        LIMIT 1 %s)
                RETURNING *
                """.formatted(database.dialect().lockSkippingLocked());
        return database.writing(handle -> handle.createQuery(sql)
                .bind("owner", owner)
                .bind("now", now)
                .bind("leaseUntil", leaseUntil)
                .map(STEP)
                .findOne());
    }

    @Override
    public Optional<Instant> nextReadyAt() {
        return database.reading(
                handle -> handle.createQuery("SELECT MIN(ready_at) AS at FROM step_run WHERE state = 'READY'")
                        .map((row, context) -> Columns.optionalInstant(row, "at"))
                        .one());
    }

    @Override
    public void renewLeases(String owner, Collection<StepRun> steps, Instant leaseUntil) {
        for (StepRun step : steps) {
            database.writing(handle -> handle.createUpdate("""
                            UPDATE step_run SET lease_until = :leaseUntil
                            WHERE run_id = :run AND name = :name AND fence = :fence
                              AND state = 'RUNNING' AND lease_owner = :owner
                            """)
                    .bind("owner", owner)
                    .bind("run", step.runId())
                    .bind("name", step.name())
                    .bind("fence", step.fence())
                    .bind("leaseUntil", leaseUntil)
                    .execute());
        }
    }

    @Override
    public int reclaimExpired(Instant now, Instant readyAt) {
        return database.writing(handle -> handle.createUpdate("""
                        UPDATE step_run SET state = 'READY', ready_at = :readyAt
                        WHERE state = 'RUNNING' AND lease_until < :now
                        """)
                .bind("now", now)
                .bind("readyAt", readyAt)
                .execute());
    }

    @Override
    public int reclaimAll(Instant readyAt) {
        return database.writing(handle -> handle.createUpdate(
                        "UPDATE step_run SET state = 'READY', ready_at = :readyAt WHERE state = 'RUNNING'")
                .bind("readyAt", readyAt)
                .execute());
    }

    @Override
    public void recordInputs(PipelineRunId run, String step, long fence, Map<String, Object> inputs) {
        database.writing(handle -> handle.createUpdate(
                        "UPDATE step_run SET inputs = :inputs WHERE run_id = :run AND name = :step AND fence = :fence")
                .bind("inputs", Json.write(inputs))
                .bind("run", run)
                .bind("step", step)
                .bind("fence", fence)
                .execute());
    }

    @Override
    public boolean finish(
            PipelineRunId run,
            String step,
            long fence,
            StepState to,
            Map<String, Object> outputs,
            boolean cached,
            Optional<String> error,
            Instant at) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE step_run
                                SET state = :to, outputs = :outputs, cached = :cached, error = :error,
                                    finished_at = :at, lease_owner = NULL, lease_until = NULL
                                WHERE run_id = :run AND name = :step AND fence = :fence AND state = 'RUNNING'
                                """)
                        .bind("to", to)
                        .bind("outputs", Json.write(outputs))
                        .bind("cached", cached)
                        .bind("error", error.orElse(null))
                        .bind("at", at)
                        .bind("run", run)
                        .bind("step", step)
                        .bind("fence", fence)
                        .execute())
                > 0;
    }

    @Override
    public boolean retry(
            PipelineRunId run, String step, long fence, boolean countsAsFailure, String error, Instant readyAt) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE step_run
                                SET state = 'READY', ready_at = :readyAt, error = :error, failures = failures + :failure,
                                    lease_owner = NULL, lease_until = NULL
                                WHERE run_id = :run AND name = :step AND fence = :fence AND state = 'RUNNING'
                                """)
                        .bind("readyAt", readyAt)
                        .bind("error", error)
                        .bind("failure", countsAsFailure ? 1 : 0)
                        .bind("run", run)
                        .bind("step", step)
                        .bind("fence", fence)
                        .execute())
                > 0;
    }

    @Override
    public void release(PipelineRunId run, Collection<String> dependentSteps, Instant readyAt) {
        if (dependentSteps.isEmpty()) {
            return;
        }
        database.writing(handle -> handle.createUpdate("""
                        UPDATE step_run
                        SET remaining = remaining - 1,
                            state = CASE WHEN remaining = 1 AND state = 'WAITING' THEN 'READY' ELSE state END,
                            ready_at = :readyAt
                        WHERE run_id = :run AND step IN (<steps>)
                        """)
                .bindList("steps", List.copyOf(dependentSteps))
                .bind("run", run)
                .bind("readyAt", readyAt)
                .execute());
    }

    @Override
    public int moveSteps(PipelineRunId run, Collection<StepState> from, StepState to, Instant at) {
        return database.writing(handle -> handle.createUpdate("""
                        UPDATE step_run SET state = :to, finished_at = :at
                        WHERE run_id = :run AND state IN (<from>)
                        """)
                .bindList("from", from.stream().map(Enum::name).toList())
                .bind("to", to)
                .bind("at", at)
                .bind("run", run)
                .execute());
    }

    @Override
    public void reopen(PipelineRunId run, Map<String, Integer> remainingByName, Instant readyAt) {
        remainingByName.forEach((name, remaining) -> database.writing(handle -> handle.createUpdate("""
                        UPDATE step_run
                        SET state = :state, remaining = :remaining, failures = 0, ready_at = :readyAt, finished_at = NULL
                        WHERE run_id = :run AND name = :name
                        """)
                .bind("state", remaining == 0 ? StepState.READY : StepState.WAITING)
                .bind("remaining", remaining)
                .bind("readyAt", readyAt)
                .bind("run", run)
                .bind("name", name)
                .execute()));
    }

    @Override
    public Optional<Map<String, Object>> cached(String project, String cacheKey) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT outputs FROM step_cache WHERE project = :project AND cache_key = :key")
                .bind("project", project)
                .bind("key", cacheKey)
                .map((row, context) -> map(row.getString("outputs")))
                .findOne());
    }

    @Override
    public void cache(String project, String cacheKey, Map<String, Object> outputs, String madeBy, Instant at) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO step_cache (project, cache_key, outputs, made_by, made_at)
                        VALUES (:project, :key, :outputs, :madeBy, :at)
                        ON CONFLICT DO NOTHING
                        """)
                .bind("project", project)
                .bind("key", cacheKey)
                .bind("outputs", Json.write(outputs))
                .bind("madeBy", madeBy)
                .bind("at", at)
                .execute());
    }

    private static PipelineRun run(ResultSet row) throws SQLException {
        return new PipelineRun(
                new PipelineRunId(row.getString("id")),
                row.getString("project"),
                row.getString("pipeline"),
                row.getInt("pipeline_version"),
                Columns.optionalText(row, "request_key"),
                Json.readStringMap(row.getString("parameters")),
                RunState.valueOf(row.getString("state")),
                row.getString("actor"),
                Columns.optionalText(row, "cause"),
                Columns.optionalText(row, "error"),
                Columns.instant(row, "created_at"),
                Columns.optionalInstant(row, "finished_at"));
    }

    private static StepRun step(ResultSet row) throws SQLException {
        return new StepRun(
                new PipelineRunId(row.getString("run_id")),
                row.getString("name"),
                row.getString("step"),
                row.getInt("position"),
                map(row.getString("choice")),
                StepState.valueOf(row.getString("state")),
                row.getInt("attempt"),
                row.getInt("failures"),
                row.getLong("fence"),
                row.getBoolean("cached"),
                map(row.getString("inputs")),
                map(row.getString("outputs")),
                Columns.optionalText(row, "error"),
                Columns.optionalInstant(row, "started_at"),
                Columns.optionalInstant(row, "finished_at"));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable String json) {
        return json == null ? Map.of() : Json.read(json, Map.class);
    }
}
