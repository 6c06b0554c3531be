package dev.tidemill.tracking.store;

import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.Run;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** Adds to runs what belongs to them, with one query for each kind of thing however many runs there are. */
final class RunRows {
    /** A run alone, with the number that its rows refer to. */
    record Bare(long number, Run run) {}

    /** Beyond so many bytes texts are read one by one: a JSON object of all of them would take them twice. */
    private static final long LARGE = 1_000_000;

    private static final int FETCHED = 100;

    /** What a run and what belongs to it take, of a query for runs called {@code x}. */
    static final String BYTES = String.join(
            " + ",
            RowBytes.of(),
            RowBytes.sum("param y WHERE y.run = x.number", "y.value"),
            RowBytes.sum("tag y WHERE y.run = x.number", "y.value"),
            RowBytes.sum("metric_newest y WHERE y.run = x.number"),
            RowBytes.sum("run_model y WHERE y.run = x.number"),
            RowBytes.sum(
                    "run_input i JOIN data_set_input y ON y.number = i.data_set WHERE i.run = x.number",
                    "i.tags",
                    "y.source",
                    "y.schema_text",
                    "y.profile"));

    private RunRows() {}

    /** Some runs, for queries of what belongs to them. */
    private record Chosen(Handle handle, Dialect dialect, String numbers) {
        Chosen(Handle handle, Dialect dialect, List<Bare> runs) {
            this(
                    handle,
                    dialect,
                    SqlCondition.list(runs.stream().map(Bare::number).toList()));
        }

        Query query(String select, String rest) {
            return handle.createQuery(select + " WHERE " + dialect.amongNumbers("run", ":runs") + rest)
                    .bind("runs", numbers);
        }
    }

    /** What runs take beyond what {@link #BYTES} knows of, now that they are read. */
    static long beyond(List<Run> runs) {
        long beyond = 0;
        for (Run run : runs) {
            for (Map<String, String> texts : List.of(run.params(), run.tags())) {
                for (String text : texts.values()) {
                    beyond += RowBytes.beyond(text);
                }
            }
            for (DataSetInput input : run.inputs()) {
                beyond += RowBytes.beyond(input.source())
                        + RowBytes.beyond(input.schema())
                        + RowBytes.beyond(input.profile());
            }
        }
        return beyond;
    }

    /** @param fitting the runs and what {@link #BYTES} says of them */
    static List<Run> complete(Handle handle, Dialect dialect, MetricNames names, RowBytes.Fitting<Bare> fitting) {
        List<Bare> runs = fitting.keys();
        var chosen = new Chosen(handle, dialect, runs);
        boolean large = fitting.bytes() > LARGE;
        var params = large ? largeTexts(chosen, "param") : texts(chosen, "param");
        var tags = large ? largeTexts(chosen, "tag") : texts(chosen, "tag");
        var metrics = metrics(chosen, names);
        var inputs = inputs(chosen);
        var models = models(chosen);
        List<Run> complete = new ArrayList<>(runs.size());
        for (Bare bare : runs) {
            Run run = bare.run();
            complete.add(new Run(
                    run.id(),
                    run.project(),
                    run.experimentId(),
                    run.name(),
                    run.sourceKey(),
                    run.user(),
                    run.status(),
                    run.deleted(),
                    run.startedAt(),
                    run.endedAt(),
                    run.artifacts(),
                    run.modelDigest(),
                    params.getOrDefault(bare.number(), Map.of()),
                    metrics.getOrDefault(bare.number(), Map.of()),
                    tags.getOrDefault(bare.number(), Map.of()),
                    inputs.getOrDefault(bare.number(), List.of()),
                    models.getOrDefault(bare.number(), List.of())));
        }
        return complete;
    }

    /** One row a run, put together by the database: fetching many small rows costs more than reading a JSON object. */
    private static Map<Long, Map<String, String>> texts(Chosen runs, String table) {
        var texts = new HashMap<Long, Map<String, String>>();
        runs.query("SELECT run, " + runs.dialect().jsonObject("name", "value") + " FROM " + table, " GROUP BY run")
                .map((row, context) -> texts.put(row.getLong(1), new TreeMap<>(Json.readStringMap(row.getString(2)))))
                .list();
        return texts;
    }

    private static Map<Long, Map<String, String>> largeTexts(Chosen runs, String table) {
        var texts = new HashMap<Long, Map<String, String>>();
        runs.query("SELECT run, name, value FROM " + table, "")
                .setFetchSize(FETCHED)
                .map((row, context) -> texts.computeIfAbsent(row.getLong(1), run -> new TreeMap<>())
                        .put(row.getString(2), row.getString(3)))
                .list();
        return texts;
    }

    private static Map<Long, Map<String, MetricPoint>> metrics(Chosen runs, MetricNames names) {
        var metrics = new HashMap<Long, Map<String, MetricPoint>>();
        runs.query("SELECT run, metric, step, recorded_at, value, is_nan FROM metric_newest", "")
                .map((row, context) -> {
                    String name = names.name(row.getLong(2));
                    return metrics.computeIfAbsent(row.getLong(1), run -> new TreeMap<>())
                            .put(
                                    name,
                                    new MetricPoint(
                                            name,
                                            row.getLong(3),
                                            java.time.Instant.ofEpochMilli(row.getLong(4)),
                                            row.getBoolean(6) ? Double.NaN : row.getDouble(5)));
                })
                .list();
        return metrics;
    }

    private static Map<Long, List<DataSetInput>> inputs(Chosen runs) {
        var inputs = new HashMap<Long, List<DataSetInput>>();
        runs.query("""
                        SELECT run_input.run, run_input.tags, data_set_input.*
                        FROM run_input JOIN data_set_input ON data_set_input.number = run_input.data_set""", " ORDER BY data_set_input.number")
                .map((row, context) -> inputs.computeIfAbsent(row.getLong("run"), run -> new ArrayList<>())
                        .add(new DataSetInput(
                                row.getString("name"),
                                row.getString("digest"),
                                row.getString("source_type"),
                                row.getString("source"),
                                row.getString("schema_text"),
                                row.getString("profile"),
                                Json.readStringMap(row.getString("tags")))))
                .list();
        return inputs;
    }

    private static Map<Long, List<ModelLink>> models(Chosen runs) {
        var models = new HashMap<Long, List<ModelLink>>();
        runs.query("SELECT * FROM run_model", " ORDER BY step, model_id")
                .map((row, context) -> models.computeIfAbsent(row.getLong("run"), run -> new ArrayList<>())
                        .add(new ModelLink(
                                row.getString("model_id"), row.getBoolean("is_output"), row.getLong("step"))))
                .list();
        return models;
    }
}
