package dev.tidemill.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteLimits;

/** The SQLite file of an MLflow server; only read. */
final class SqliteSource implements ImportSource {
    private static final int BATCH = 1000;
    private static final int TRACES = 100;
    /** Of one value, or of a row. */
    private static final int VALUE_BYTES = 32 << 20;

    private static final List<String> TOKENS = List.of(
            "input_tokens",
            "output_tokens",
            "total_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation_input_tokens_above_1hr");
    private static final List<String> COSTS = List.of("input_cost", "output_cost", "total_cost");
    private static final List<String> MODEL_STATUS = List.of(
            "LOGGED_MODEL_STATUS_UNSPECIFIED",
            "LOGGED_MODEL_PENDING",
            "LOGGED_MODEL_READY",
            "LOGGED_MODEL_UPLOAD_FAILED");

    private final Path file;
    private final Connection database;
    private final LocalFiles local;
    private final Omissions omissions;

    /** @param omissions where things that cannot be read are noted */
    SqliteSource(Path file, LocalFiles local, Omissions omissions) throws IOException {
        this.file = file;
        this.local = local;
        this.omissions = omissions;
        try {
            this.database = DriverManager.getConnection("jdbc:sqlite:file:" + file.toAbsolutePath() + "?mode=ro");
            database.unwrap(SQLiteConnection.class).setLimit(SQLiteLimits.SQLITE_LIMIT_LENGTH, VALUE_BYTES);
            if (!has("experiments") || !has("runs")) {
                throw new CliException(
                        Exit.FAILURE, file + " is not an MLflow server's database: it has no experiments");
            }
        } catch (SQLException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private boolean has(String table) throws SQLException {
        try (var query =
                database.prepareStatement("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?")) {
            query.setString(1, table);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() && rows.getInt(1) > 0;
            }
        }
    }

    /** Reads a row. */
    @FunctionalInterface
    private interface Row {
        void read(ResultSet row) throws SQLException;
    }

    private void each(String table, String sql, Row row, Object... values) throws IOException {
        try {
            if (!has(table)) {
                return;
            }
            try (var query = database.prepareStatement(sql)) {
                for (int i = 0; i < values.length; i++) {
                    query.setObject(i + 1, values[i]);
                }
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        row.read(rows);
                    }
                }
            }
        } catch (SQLiteException e) {
            throw new IOException(
                    e.getResultCode() == SQLiteErrorCode.SQLITE_TOOBIG
                            ? "a value of its rows in table " + table + " has more than " + VALUE_BYTES
                                    + " bytes, and is not read"
                            : file + " cannot be read: " + e.getMessage(),
                    e);
        } catch (SQLException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Reads what else belongs to something. */
    @FunctionalInterface
    private interface Completion {
        void of(ObjectNode thing) throws IOException;
    }

    /** Hands on those of which the rest can be read as well; of the others it is noted, and costs them alone. */
    private void whole(List<ObjectNode> list, String place, String id, Completion rest, Consumer<JsonNode> each)
            throws IOException {
        for (ObjectNode thing : list) {
            if (omissions.attempt(place + " " + thing.at(id).asText(), () -> rest.of(thing))) {
                each.accept(thing);
            }
        }
    }

    private static String text(ResultSet row, String column) throws SQLException {
        String text = row.getString(column);
        return text == null ? "" : text;
    }

    /** Of a column that older databases lack. */
    private static String optional(ResultSet row, String column) {
        try {
            return text(row, column);
        } catch (SQLException absent) {
            return "";
        }
    }

    private ArrayNode entries(String table, String condition, Object... values) throws IOException {
        ArrayNode list = Api.JSON.createArrayNode();
        each(
                table,
                "SELECT key, value FROM " + table + " WHERE " + condition + " ORDER BY key",
                row -> list.addObject().put("key", row.getString(1)).put("value", text(row, "value")),
                values);
        return list;
    }

    @Override
    public List<JsonNode> experiments() throws IOException {
        var list = new ArrayList<ObjectNode>();
        each(
                "experiments",
                "SELECT * FROM experiments ORDER BY experiment_id",
                row -> list.add(Api.object()
                        .put("experiment_id", row.getString("experiment_id"))
                        .put("name", row.getString("name"))
                        .put("lifecycle_stage", text(row, "lifecycle_stage"))
                        .put("artifact_location", text(row, "artifact_location"))
                        .put("creation_time", row.getLong("creation_time"))
                        .put("last_update_time", row.getLong("last_update_time"))));
        var whole = new ArrayList<JsonNode>();
        whole(
                list,
                "experiment",
                "/name",
                experiment -> experiment.set(
                        "tags",
                        entries(
                                "experiment_tags",
                                "experiment_id = ?",
                                experiment.path("experiment_id").asLong())),
                whole::add);
        return whole;
    }

    @Override
    public void runs(String experimentId, Consumer<JsonNode> each) throws IOException {
        var list = new ArrayList<ObjectNode>();
        each(
                "runs",
                "SELECT * FROM runs WHERE experiment_id = ? ORDER BY start_time, run_uuid",
                row -> {
                    ObjectNode run = Api.object();
                    ObjectNode info = run.putObject("info")
                            .put("run_id", row.getString("run_uuid"))
                            .put("run_name", text(row, "name"))
                            .put("experiment_id", experimentId)
                            .put("user_id", text(row, "user_id"))
                            .put("status", text(row, "status"))
                            .put("lifecycle_stage", text(row, "lifecycle_stage"))
                            .put("artifact_uri", text(row, "artifact_uri"))
                            .put("start_time", row.getLong("start_time"));
                    long end = row.getLong("end_time");
                    if (!row.wasNull()) {
                        info.put("end_time", end);
                    }
                    list.add(run);
                },
                Long.parseLong(experimentId));
        whole(
                list,
                "run",
                "/info/run_id",
                run -> {
                    String id = run.path("info").path("run_id").asText();
                    ObjectNode data = run.putObject("data");
                    data.set("params", entries("params", "run_uuid = ?", id));
                    data.set("tags", entries("tags", "run_uuid = ?", id));
                    linked(run, id);
                },
                each);
    }

    private void linked(ObjectNode run, String id) throws IOException {
        var inputs = new ArrayList<String>();
        each(
                "inputs",
                """
                SELECT i.input_uuid, d.* FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
                WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?
                """,
                row -> {
                    inputs.add(row.getString("input_uuid"));
                    run.withObject("/inputs")
                            .withArray("dataset_inputs")
                            .addObject()
                            .putObject("dataset")
                            .put("name", text(row, "name"))
                            .put("digest", text(row, "digest"))
                            .put("source_type", text(row, "dataset_source_type"))
                            .put("source", text(row, "dataset_source"))
                            .put("schema", text(row, "dataset_schema"))
                            .put("profile", text(row, "dataset_profile"));
                },
                id);
        for (int i = 0; i < inputs.size(); i++) {
            ArrayNode tags = Api.JSON.createArrayNode();
            each(
                    "input_tags",
                    "SELECT name, value FROM input_tags WHERE input_uuid = ?",
                    row -> tags.addObject().put("key", row.getString(1)).put("value", row.getString(2)),
                    inputs.get(i));
            ((ObjectNode) run.path("inputs").path("dataset_inputs").path(i)).set("tags", tags);
        }
        each(
                "inputs",
                """
                SELECT destination_id, step FROM inputs
                WHERE source_type = 'RUN_OUTPUT' AND destination_type = 'MODEL_OUTPUT' AND source_id = ?
                """,
                row -> run.withObject("/outputs")
                        .withArray("model_outputs")
                        .addObject()
                        .put("model_id", row.getString(1))
                        .put("step", row.getLong(2)),
                id);
    }

    @Override
    public void points(JsonNode run, Consumer<List<JsonNode>> each) throws IOException {
        var batch = new ArrayList<JsonNode>();
        each(
                "metrics",
                "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?",
                row -> {
                    ObjectNode point = Api.object()
                            .put("key", row.getString(1))
                            .put("timestamp", row.getLong(3))
                            .put("step", row.getLong(4));
                    if (row.getBoolean(5)) {
                        point.put("value", "NaN");
                    } else {
                        point.put("value", row.getDouble(2));
                    }
                    batch.add(point);
                    if (batch.size() == BATCH) {
                        each.accept(List.copyOf(batch));
                        batch.clear();
                    }
                },
                run.path("info").path("run_id").asText());
        if (!batch.isEmpty()) {
            each.accept(batch);
        }
    }

    @Override
    public void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException {
        var list = new ArrayList<ObjectNode>();
        each(
                "logged_models",
                "SELECT * FROM logged_models WHERE experiment_id = ? AND lifecycle_stage != 'deleted'",
                row -> {
                    ObjectNode model = Api.object();
                    model.putObject("info")
                            .put("model_id", row.getString("model_id"))
                            .put("experiment_id", experimentId)
                            .put("name", text(row, "name"))
                            .put("model_type", text(row, "model_type"))
                            .put("source_run_id", text(row, "source_run_id"))
                            .put("status_message", text(row, "status_message"))
                            .put("creation_timestamp_ms", row.getLong("creation_timestamp_ms"))
                            .put("last_updated_timestamp_ms", row.getLong("last_updated_timestamp_ms"))
                            .put("artifact_uri", text(row, "artifact_location"))
                            .put("status", MODEL_STATUS.get(Math.clamp(row.getInt("status"), 0, 3)));
                    list.add(model);
                },
                Long.parseLong(experimentId));
        whole(list, "logged model", "/info/model_id", this::described, each);
    }

    private void described(ObjectNode model) throws IOException {
        String id = model.path("info").path("model_id").asText();
        ArrayNode tags = Api.JSON.createArrayNode();
        each(
                "logged_model_tags",
                "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?",
                row -> tags.addObject().put("key", row.getString(1)).put("value", row.getString(2)),
                id);
        ((ObjectNode) model.path("info")).set("tags", tags);
        ArrayNode params = model.putObject("data").putArray("params");
        each(
                "logged_model_params",
                "SELECT param_key, param_value FROM logged_model_params WHERE model_id = ?",
                row -> params.addObject().put("key", row.getString(1)).put("value", row.getString(2)),
                id);
        ArrayNode metrics = model.withObject("/data").putArray("metrics");
        each(
                "logged_model_metrics",
                "SELECT * FROM logged_model_metrics WHERE model_id = ? ORDER BY metric_name, metric_step, metric_timestamp_ms",
                row -> metrics.add(measured(row)),
                id);
    }

    private static ObjectNode measured(ResultSet row) throws SQLException {
        ObjectNode metric = Api.object()
                .put("key", row.getString("metric_name"))
                .put("timestamp", row.getLong("metric_timestamp_ms"))
                .put("step", row.getLong("metric_step"))
                .put("run_id", text(row, "run_id"))
                .put("dataset_name", text(row, "dataset_name"))
                .put("dataset_digest", text(row, "dataset_digest"));
        double value = row.getDouble("metric_value");
        // SQLite keeps a NaN as NULL.
        return row.wasNull() ? metric.put("value", "NaN") : metric.put("value", value);
    }

    @Override
    public void traces(String experimentId, Batch each) throws IOException {
        var ids = new ArrayList<String>();
        each(
                "trace_info",
                "SELECT request_id FROM trace_info WHERE experiment_id = ? ORDER BY timestamp_ms, request_id",
                row -> ids.add(row.getString(1)),
                Long.parseLong(experimentId));
        for (int first = 0; first < ids.size(); first += TRACES) {
            var batch = new ArrayList<JsonNode>();
            for (String id : ids.subList(first, Math.min(ids.size(), first + TRACES))) {
                omissions.attempt("trace " + id, () -> batch.add(trace(id, experimentId)));
            }
            each.take(batch);
        }
    }

    private ObjectNode trace(String id, String experimentId) throws IOException {
        ObjectNode info = Api.object().put("trace_id", id);
        info.set("trace_location", TraceMessages.location(experimentId));
        info.set("tags", TraceMessages.texts(entries("trace_tags", "request_id = ?", id)));
        info.set("trace_metadata", TraceMessages.texts(entries("trace_request_metadata", "request_id = ?", id)));
        each(
                "trace_info",
                "SELECT * FROM trace_info WHERE request_id = ?",
                row -> {
                    info.put("request_time", TraceMessages.time(row.getLong("timestamp_ms")));
                    long took = row.getLong("execution_time_ms");
                    if (!row.wasNull()) {
                        info.put("execution_duration", TraceMessages.duration(took));
                    }
                    info.put("state", TraceMessages.state(text(row, "status")));
                    for (String field : List.of("client_request_id", "request_preview", "response_preview")) {
                        info.put(field, optional(row, field));
                    }
                    promoted(row, info);
                },
                id);
        ArrayNode assessments = info.putArray("assessments");
        each(
                "assessments",
                "SELECT * FROM assessments WHERE trace_id = ? ORDER BY created_timestamp, assessment_id",
                row -> assessments.add(assessment(row)),
                id);
        return info;
    }

    /** Tags and metadata that newer servers keep in columns of their own alone. */
    private static void promoted(ResultSet row, ObjectNode info) throws SQLException {
        ObjectNode metadata = (ObjectNode) info.path("trace_metadata");
        put((ObjectNode) info.path("tags"), "mlflow.traceName", optional(row, "trace_name"));
        put(metadata, "mlflow.trace.session", optional(row, "session_id"));
        put(metadata, "mlflow.trace.tokenUsage", numbers(row, TOKENS));
        put(metadata, "mlflow.trace.cost", numbers(row, COSTS));
    }

    private static void put(ObjectNode texts, String name, String value) {
        if (!value.isEmpty() && !texts.has(name)) {
            texts.put(name, value);
        }
    }

    private static String numbers(ResultSet row, List<String> columns) {
        return columns.stream()
                .filter(column -> !optional(row, column).isEmpty())
                .map(column -> "\"" + column + "\": " + optional(row, column))
                .reduce((one, other) -> one + ", " + other)
                .map(list -> "{" + list + "}")
                .orElse("");
    }

    private static ObjectNode assessment(ResultSet row) throws SQLException {
        ObjectNode told = Api.object()
                .put("assessment_id", row.getString("assessment_id"))
                .put("assessment_name", text(row, "name"))
                .put("trace_id", row.getString("trace_id"))
                .put("span_id", text(row, "span_id"))
                .put("create_time", TraceMessages.time(row.getLong("created_timestamp")))
                .put("last_update_time", TraceMessages.time(row.getLong("last_updated_timestamp")))
                .put("rationale", text(row, "rationale"))
                .put("overrides", text(row, "overrides"))
                .put("valid", row.getBoolean("valid"));
        told.putObject("source").put("source_type", text(row, "source_type")).put("source_id", text(row, "source_id"));
        told.set("metadata", json(text(row, "assessment_metadata")));
        JsonNode value = json(text(row, "value"));
        String kind = text(row, "assessment_type");
        if (kind.equals("issue")) {
            told.set("issue", value);
        } else {
            ObjectNode content = told.putObject(kind);
            if (kind.equals("expectation") && value.isContainerNode()) {
                content.putObject("serialized_value")
                        .put("serialization_format", "JSON_FORMAT")
                        .put("value", text(row, "value"));
            } else {
                content.set("value", value);
            }
            if (!text(row, "error").isEmpty()) {
                content.set("error", json(text(row, "error")));
            }
        }
        return told;
    }

    private static JsonNode json(String text) throws SQLException {
        try {
            return text.isEmpty() ? Api.object() : Api.JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new SQLException("an assessment holds no JSON: " + text.substring(0, Math.min(80, text.length())), e);
        }
    }

    @Override
    public JsonNode spans(JsonNode info) throws IOException {
        ArrayNode list = Api.JSON.createArrayNode();
        each(
                "spans",
                "SELECT content FROM spans WHERE trace_id = ? ORDER BY start_time_unix_nano, span_id",
                row -> list.add(json(text(row, "content"))),
                info.path("trace_id").asText());
        return list.isEmpty() ? ImportSource.super.spans(info) : TraceMessages.spans(list);
    }

    @Override
    public List<JsonNode> models() throws IOException {
        var list = new ArrayList<ObjectNode>();
        each(
                "registered_models",
                "SELECT * FROM registered_models ORDER BY name",
                row -> list.add(Api.object()
                        .put("name", row.getString("name"))
                        .put("description", text(row, "description"))
                        .put("creation_timestamp", row.getLong("creation_time"))
                        .put("last_updated_timestamp", row.getLong("last_updated_time"))));
        var whole = new ArrayList<JsonNode>();
        whole(
                list,
                "model",
                "/name",
                model -> {
                    String name = model.path("name").asText();
                    model.set("tags", entries("registered_model_tags", "name = ?", name));
                    ArrayNode aliases = model.putArray("aliases");
                    each(
                            "registered_model_aliases",
                            "SELECT alias, version FROM registered_model_aliases WHERE name = ?",
                            row -> aliases.addObject()
                                    .put("alias", row.getString(1))
                                    .put("version", row.getString(2)),
                            name);
                },
                whole::add);
        return whole;
    }

    @Override
    public List<JsonNode> versions(String model) throws IOException {
        var list = new ArrayList<ObjectNode>();
        each(
                "model_versions",
                "SELECT * FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal' ORDER BY version",
                row -> {
                    ObjectNode version = Api.object()
                            .put("name", model)
                            .put("version", row.getLong("version"))
                            .put("description", text(row, "description"))
                            .put("current_stage", text(row, "current_stage"))
                            .put("source", text(row, "source"))
                            .put("storage_location", optional(row, "storage_location"))
                            .put("run_id", text(row, "run_id"))
                            .put("run_link", text(row, "run_link"))
                            .put("creation_timestamp", row.getLong("creation_time"))
                            .put("last_updated_timestamp", row.getLong("last_updated_time"));
                    list.add(version);
                },
                model);
        var whole = new ArrayList<JsonNode>();
        whole(
                list,
                "model '" + model + "', version",
                "/version",
                version -> version.set(
                        "tags",
                        entries(
                                "model_version_tags",
                                "name = ? AND version = ?",
                                model,
                                version.path("version").asLong())),
                whole::add);
        return whole;
    }

    @Override
    public List<String> leftBehind() throws IOException {
        var list = new ArrayList<String>();
        for (String[] what : new String[][] {
            {"evaluation_datasets", "evaluation data sets"},
            {"scorers", "scorers"},
            {"webhooks", "webhooks"}
        }) {
            each(what[0], "SELECT COUNT(*) FROM " + what[0], row -> {
                if (row.getLong(1) > 0) {
                    list.add(row.getLong(1) + " " + what[1] + " are not taken along");
                }
            });
        }
        each("logged_models", "SELECT COUNT(*) FROM logged_models WHERE lifecycle_stage = 'deleted'", row -> {
            if (row.getLong(1) > 0) {
                list.add(row.getLong(1) + " deleted logged models are not taken along");
            }
        });
        list.addAll(local.leftBehind());
        return list;
    }

    @Override
    public List<ArtifactFile> files(String uri) throws IOException {
        return local.files(uri);
    }

    @Override
    public void close() throws IOException {
        try {
            database.close();
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
