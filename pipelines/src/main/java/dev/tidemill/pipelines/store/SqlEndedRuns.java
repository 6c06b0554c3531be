package dev.tidemill.pipelines.store;

import dev.tidemill.pipelines.domain.EndedRuns;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Ended runs in the database. */
public final class SqlEndedRuns implements EndedRuns {
    /** A column of another module's that names what made a row as {@code RUN/STEP}; such runs stay. */
    public record Maker(String table, String column) {}

    private final Database database;
    private final List<Maker> makers;

    public SqlEndedRuns(Database database, List<Maker> makers) {
        this.database = database;
        this.makers = List.copyOf(makers);
    }

    @Override
    public List<PipelineRunId> find(Instant endedBefore, int newestKept, int limit) {
        var sql = new StringBuilder("""
                SELECT id FROM pipeline_run AS ended
                WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND finished_at < :before
                  AND (SELECT COUNT(*) FROM pipeline_run AS newer
                       WHERE newer.project = ended.project AND newer.pipeline = ended.pipeline AND newer.id > ended.id)
                      >= :kept
                """);
        for (Maker maker : makers) {
            sql.append("AND NOT EXISTS (SELECT 1 FROM ")
                    .append(maker.table())
                    .append(" WHERE ")
                    .append("SUBSTR(")
                    .append(maker.column())
                    .append(", 1, LENGTH(ended.id) + 1) = ended.id || '/')\n");
        }
        sql.append("ORDER BY finished_at LIMIT :limit");
        return database.reading(handle -> handle.createQuery(sql.toString())
                .bind("before", endedBefore)
                .bind("kept", newestKept)
                .bind("limit", limit)
                .map((row, context) -> new PipelineRunId(row.getString("id")))
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
