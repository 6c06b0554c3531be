package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The server's side of the tasks in this package. */
public final class ChildQueryEngine implements QueryEngine {
    private final ChildPool steps;
    private final ChildPool interactive;

    /**
     * @param steps children for work of pipelines
     * @param interactive children for requests that somebody waits for
     */
    public ChildQueryEngine(ChildPool steps, ChildPool interactive) {
        this.steps = steps;
        this.interactive = interactive;
    }

    @Override
    public Written importCsv(Path csv, DataSet dataSet, Path target, Consumer<String> log, Duration timeout) {
        ObjectNode request = Json.object().put("csv", csv.toString()).put("target", target.toString());
        request.set("dataSet", Json.tree(dataSet));
        return written(steps.run("datasets.import-csv", request, new Lines(log), timeout));
    }

    @Override
    public Written query(Query query, Path target, Consumer<String> log, Duration timeout) {
        ObjectNode request = Json.object().put("sql", query.sql()).put("target", target.toString());
        query.source().stream()
                .sorted()
                .forEach(path -> request.withArray("source").add(path.toString()));
        query.extra().ifPresent(path -> request.put("extra", path.toString()));
        query.time().ifPresent(time -> request.put("time", time));
        query.from().ifPresent(from -> request.put("from", from.toString()));
        query.until().ifPresent(until -> request.put("until", until.toString()));
        return written(steps.run("datasets.query", request, new Lines(log), timeout));
    }

    @Override
    public List<Map<String, Object>> compute(
            List<Column> columns,
            Optional<String> mapping,
            String sql,
            List<Map<String, Object>> rows,
            Duration timeout) {
        ObjectNode request = Json.object().put("sql", sql);
        mapping.ifPresent(text -> request.put("mapping", text));
        request.set("columns", Json.tree(columns));
        request.set("rows", withNulls(rows));
        return rows(interactive.run("datasets.compute", request, new Lines(line -> {}), timeout));
    }

    @Override
    public List<String> rowByRow(List<Column> columns, String sql, Duration timeout) {
        ObjectNode request = Json.object().put("sql", sql).put("describe", true);
        request.set("columns", Json.tree(columns));
        var names = new ArrayList<String>();
        interactive
                .run("datasets.compute", request, new Lines(line -> {}), timeout)
                .forEach(name -> names.add(name.asText()));
        return names;
    }

    /** Rows with the names of what is null in them, which queries may use. */
    static ArrayNode withNulls(List<Map<String, Object>> rows) {
        ArrayNode given = Json.array();
        for (Map<String, Object> row : rows) {
            ObjectNode told = given.addObject();
            row.forEach((name, value) -> told.set(name, Json.tree(value)));
        }
        return given;
    }

    @Override
    public List<Map<String, Object>> sample(List<Path> files, int limit, Duration timeout) {
        ObjectNode request = Json.object().put("limit", limit);
        files.forEach(file -> request.withArray("source").add(file.toString()));
        return rows(interactive.run("datasets.sample", request, new Lines(line -> {}), timeout));
    }

    @Override
    public Split split(List<Path> files, int rows, Path folder, Duration timeout) {
        ObjectNode request = Json.object().put("rows", rows).put("folder", folder.toString());
        files.stream().sorted().forEach(file -> request.withArray("source").add(file.toString()));
        JsonNode answer = steps.run("datasets.split", request, new Lines(line -> {}), timeout);
        return new Split(columns(answer), answer.path("count").asLong());
    }

    @Override
    public Written attach(
            List<Path> files, Path values, List<Column> added, Path target, Consumer<String> log, Duration timeout) {
        ObjectNode request = Json.object().put("target", target.toString()).put("values", values.toString());
        files.stream().sorted().forEach(file -> request.withArray("source").add(file.toString()));
        put(request, "added", added);
        return written(steps.run("datasets.attach", request, new Lines(log), timeout));
    }

    @Override
    public Written parquet(Path lines, List<Column> columns, Path target, Duration timeout) {
        ObjectNode request = Json.object().put("source", lines.toString()).put("target", target.toString());
        put(request, "columns", columns);
        return written(steps.run("datasets.parquet", request, new Lines(line -> {}), timeout));
    }

    private static void put(ObjectNode request, String field, List<Column> columns) {
        columns.forEach(column -> request.withArray(field)
                .addObject()
                .put("name", column.name())
                .put("type", column.type().name()));
    }

    private static List<Column> columns(JsonNode answer) {
        var columns = new ArrayList<Column>();
        answer.path("columns")
                .forEach(column -> columns.add(Column.of(
                        column.path("name").asText(),
                        ColumnType.valueOf(column.path("type").asText()))));
        return columns;
    }

    @SuppressWarnings("unchecked")
    static Written written(JsonNode answer) {
        JsonNode summary = answer.path("summary");
        return new Written(
                answer.path("rows").asLong(),
                answer.path("bytes").asLong(),
                answer.path("digest").asText(),
                columns(answer),
                // A task that only changes the form of rows describes no values.
                summary.isObject() ? (Map<String, Object>) Json.read(summary.toString(), Map.class) : Map.of());
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> rows(JsonNode answer) {
        var rows = new ArrayList<Map<String, Object>>();
        answer.forEach(row -> rows.add((Map<String, Object>) Json.read(row.toString(), Map.class)));
        return rows;
    }

    private record Lines(Consumer<String> consumer) implements ChildTask.Report {
        @Override
        public void log(String line) {
            consumer.accept(line);
        }

        @Override
        public void metric(String key, long step, double value) {}

        @Override
        public void progress(long done, long total) {
            consumer.accept("progress " + done + "/" + total);
        }
    }
}
