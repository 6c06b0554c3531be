package dev.tidemill.pipelines.store;

import dev.tidemill.pipelines.domain.EndedRuns;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Ended runs in the database. */
public final class SqlEndedRuns implements EndedRuns {
    private final Database database;

    public SqlEndedRuns(Database database) {
        this.database = database;
    }

    @Override
    public List<Ended> find(Instant endedBefore, int newestKept, Optional<Ended> after, int limit) {
        // The oldest of those that stay is one look into the index; counting the newer ones of each run would be many.
        String kept = newestKept == 0 ? "" : """
                AND id < (SELECT newer.id FROM pipeline_run AS newer
                          WHERE newer.project = ended.project AND newer.pipeline = ended.pipeline
                          ORDER BY newer.id DESC LIMIT 1 OFFSET :newer)
                """;
        String further = after.isEmpty() ? "" : """
                AND finished_at >= :finished AND (finished_at > :finished OR id > :id)
                """;
        return database.reading(handle -> {
            var query = handle.createQuery("""
                            SELECT id, finished_at FROM pipeline_run AS ended
                            WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND finished_at < :before
                            """ + kept + further + "ORDER BY finished_at, id LIMIT :limit")
                    .bind("before", endedBefore)
                    .bind("limit", limit);
            if (newestKept > 0) {
                query.bind("newer", newestKept - 1);
            }
            after.ifPresent(last -> query.bind("finished", last.finishedAt())
                    .bind("id", last.id().value()));
            return query.map((row, context) ->
                            new Ended(new PipelineRunId(row.getString("id")), Columns.instant(row, "finished_at")))
                    .list();
        });
    }

    @Override
    public List<StepOfRun> steps(List<PipelineRunId> runs) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT run_id, name FROM step_run WHERE run_id IN (<runs>)")
                .bindList("runs", values(runs))
                .map((row, context) -> new StepOfRun(new PipelineRunId(row.getString("run_id")), row.getString("name")))
                .list());
    }

    private static List<String> values(List<PipelineRunId> runs) {
        return runs.stream().map(PipelineRunId::value).toList();
    }

    @Override
    public List<String> texts(List<PipelineRunId> runs) {
        return database.reading(handle -> {
            var texts = new ArrayList<String>();
            handle.createQuery("SELECT inputs, outputs FROM step_run WHERE run_id IN (<runs>)")
                    .bindList("runs", values(runs))
                    .map((row, context) -> row.getString("inputs") + " " + row.getString("outputs"))
                    .forEach(texts::add);
            return texts;
        });
    }

    @Override
    public void delete(List<PipelineRunId> runs) {
        database.writing(handle -> {
            handle.createUpdate("DELETE FROM step_run WHERE run_id IN (<runs>)")
                    .bindList("runs", values(runs))
                    .execute();
            return handle.createUpdate("DELETE FROM pipeline_run WHERE id IN (<runs>)")
                    .bindList("runs", values(runs))
                    .execute();
        });
    }

    @Override
    public List<Reusable> reusable(Instant madeBefore, int limit) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT project, cache_key, outputs FROM step_cache WHERE made_at < :before
                        ORDER BY made_at LIMIT :limit
                        """)
                .bind("before", madeBefore)
                .bind("limit", limit)
                .map((row, context) ->
                        new Reusable(row.getString("project"), row.getString("cache_key"), row.getString("outputs")))
                .list());
    }

    @Override
    public void deleteReusable(List<Reusable> entries) {
        database.writing(handle -> {
            var batch = handle.prepareBatch("DELETE FROM step_cache WHERE project = :project AND cache_key = :key");
            entries.forEach(entry -> batch.bind("project", entry.project())
                    .bind("key", entry.key())
                    .add());
            return batch.execute().length;
        });
    }
}
