package dev.tidemill.wires.mlflow.traces;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.EvaluationDataSet;
import dev.tidemill.tracking.domain.EvaluationDataSet.Row;
import dev.tidemill.tracking.domain.EvaluationDataSets;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowTrackingJson;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** MLflow's routes for evaluation data sets. */
public final class MlflowEvaluationRoutes {
    private static final String ONE = "/{dataset}";
    private static final String USER_TAG = "mlflow.user";
    private static final int MOST = 1000;
    private static final int MOST_SETS = 50_000;
    private static final Set<String> SOURCES =
            Set.of("SOURCE_TYPE_UNSPECIFIED", "UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE");

    private final EvaluationDataSets dataSets;
    private final Clock clock;

    public MlflowEvaluationRoutes(EvaluationDataSets dataSets, Clock clock) {
        this.dataSets = dataSets;
        this.clock = clock;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return new MlflowWireRoutes("/3.0/mlflow/datasets")
                .post("/create", write, this::create)
                .get("/search", read, this::search)
                .post("/search", read, this::search)
                .get(ONE, read, (request, caller) -> one(dataSets.get(caller.project(), request.path("dataset"))))
                .delete(ONE, write, (request, caller) -> {
                    dataSets.delete(caller.project(), request.path("dataset"));
                    return Json.object();
                })
                .patch(ONE + "/tags", write, (request, caller) -> {
                    dataSets.putTags(caller.project(), request.path("dataset"), tags(request.text("tags")));
                    return Json.object();
                })
                .delete(ONE + "/tags/{tag}", write, (request, caller) -> {
                    dataSets.removeTag(caller.project(), request.path("dataset"), request.path("tag"));
                    return Json.object();
                })
                .post(ONE + "/records", write, this::putRecords)
                .get(ONE + "/records", read, this::records)
                .delete(
                        ONE + "/records",
                        write,
                        (request, caller) -> Json.object()
                                .put(
                                        "deleted_count",
                                        dataSets.deleteRows(
                                                caller.project(),
                                                request.path("dataset"),
                                                request.texts("dataset_record_ids"))))
                .get(ONE + "/experiment-ids", read, (request, caller) -> {
                    ObjectNode json = Json.object();
                    dataSets.get(caller.project(), request.path("dataset"))
                            .experiments()
                            .forEach(experiment ->
                                    json.withArray("experiment_ids").add(experiment.toString()));
                    return json;
                })
                .post(
                        ONE + "/add-experiments",
                        write,
                        (request, caller) -> one(dataSets.link(
                                caller.project(), request.path("dataset"), request.texts("experiment_ids"))))
                .post(
                        ONE + "/remove-experiments",
                        write,
                        (request, caller) -> one(dataSets.unlink(
                                caller.project(), request.path("dataset"), request.texts("experiment_ids"))))
                .routes();
    }

    /** Told once with its experiments; later answers leave them to {@code experiment-ids}, as MLflow's do. */
    private ObjectNode create(MlflowRequest request, Caller caller) {
        EvaluationDataSet made = dataSets.create(
                caller.project(),
                request.text("name"),
                request.texts("experiment_ids"),
                request.optionalText("tags").map(MlflowEvaluationRoutes::tags).orElse(Map.of()));
        ObjectNode json = one(made);
        made.experiments()
                .forEach(experiment ->
                        json.withObject("/dataset").withArray("experiment_ids").add(experiment.toString()));
        return json;
    }

    private static ObjectNode one(EvaluationDataSet dataSet) {
        ObjectNode json = Json.object();
        json.set("dataset", write(dataSet));
        return json;
    }

    private static ObjectNode write(EvaluationDataSet dataSet) {
        ObjectNode json = Json.object()
                .put("dataset_id", dataSet.id())
                .put("name", dataSet.name())
                .put("tags", Json.write(dataSet.tags()));
        if (!dataSet.schema().isEmpty()) {
            json.put("schema", dataSet.schema());
        }
        if (!dataSet.profile().isEmpty()) {
            json.put("profile", dataSet.profile());
        }
        json.put("digest", dataSet.digest())
                .put("created_time", dataSet.createdAt().toEpochMilli())
                .put("last_update_time", dataSet.updatedAt().toEpochMilli());
        if (!dataSet.createdBy().isEmpty()) {
            json.put("created_by", dataSet.createdBy());
        }
        if (!dataSet.updatedBy().isEmpty()) {
            json.put("last_updated_by", dataSet.updatedBy());
        }
        return json;
    }

    /** The tags of a JSON text within the JSON; one without a value is not told. Values are texts as Python writes them. */
    private static Map<String, String> tags(String text) {
        var tags = new TreeMap<String, String>();
        for (var tag : nested("tags", text, JsonNode::isObject).properties()) {
            JsonNode value = tag.getValue();
            if (value.isBoolean()) {
                tags.put(tag.getKey(), value.booleanValue() ? "True" : "False");
            } else if (!value.isNull()) {
                tags.put(tag.getKey(), value.isTextual() ? value.textValue() : value.toString());
            }
        }
        return tags;
    }

    private static JsonNode nested(String field, String text, Predicate<JsonNode> form) {
        JsonNode value;
        try {
            value = Json.parseObject(("{\"value\":" + text + "}").getBytes(StandardCharsets.UTF_8));
        } catch (TidemillException e) {
            throw TidemillException.invalid(field, "'" + field + "' is no JSON text: '" + shown(text) + "'")
                    .causedBy(e);
        }
        if (value.size() != 1 || !form.test(value.path("value"))) {
            throw TidemillException.invalid(
                    field, "'" + field + "' is JSON of another form than is expected: '" + shown(text) + "'");
        }
        return value.path("value");
    }

    private ObjectNode search(MlflowRequest request, Caller caller) {
        var page = dataSets.search(
                caller.project(),
                request.texts("experiment_ids"),
                request.anyText("filter_string"),
                request.texts("order_by"),
                request.optionalText("page_token"),
                // Pages end earlier where the sets are large.
                Limits.pageSize(request.optionalWhole("max_results").orElse(1000L), MOST_SETS));
        return MlflowTrackingJson.page("datasets", page, MlflowEvaluationRoutes::write);
    }

    private ObjectNode records(MlflowRequest request, Caller caller) {
        String id = request.path("dataset");
        var page = dataSets.rows(
                caller.project(),
                id,
                request.optionalText("page_token"),
                Limits.pageSize(
                        request.optionalWhole("max_results")
                                .filter(asked -> asked != 0)
                                .orElse(1000L),
                        MOST));
        var list = Json.array();
        page.items().forEach(row -> list.add(write(id, row)));
        ObjectNode json = Json.object().put("records", Json.write(list));
        page.next().ifPresent(token -> json.put("next_page_token", token));
        return json;
    }

    private static ObjectNode write(String dataSet, Row row) {
        ObjectNode json = Json.object().put("dataset_record_id", row.id()).put("dataset_id", dataSet);
        json.set("inputs", Json.read(row.inputs()));
        row.outputs().ifPresent(text -> json.set("outputs", Json.read(text)));
        row.expectations().ifPresent(text -> json.set("expectations", Json.read(text)));
        row.tags().ifPresent(text -> json.set("tags", Json.read(text)));
        row.source().ifPresent(text -> json.set("source", Json.read(text)));
        row.sourceId().ifPresent(text -> json.put("source_id", text));
        json.put("source_type", row.sourceType())
                .put("created_time", row.createdAt().toEpochMilli())
                .put("last_update_time", row.updatedAt().toEpochMilli());
        if (!row.createdBy().isEmpty()) {
            json.put("created_by", row.createdBy());
        }
        if (!row.updatedBy().isEmpty()) {
            json.put("last_updated_by", row.updatedBy());
        }
        return json;
    }

    private ObjectNode putRecords(MlflowRequest request, Caller caller) {
        // An object without members is as good as a list without any, in MLflow's eyes.
        JsonNode list =
                nested("records", request.text("records"), node -> node.isArray() || node.isObject() && node.isEmpty());
        var rows = new ArrayList<Row>();
        for (JsonNode told : list) {
            if (!told.path("inputs").isObject()) {
                throw TidemillException.invalid(
                        "records", "Each record needs an object 'inputs'; this one has not: " + shown(told.toString()));
            }
            rows.add(row(told));
        }
        var counts = dataSets.putRows(
                caller.project(),
                request.path("dataset"),
                rows,
                MlflowEvaluationRoutes::merged,
                schema -> schema(schema, list));
        return Json.object().put("inserted_count", counts.inserted()).put("updated_count", counts.updated());
    }

    private static String shown(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }

    private Row row(JsonNode told) {
        Instant now = clock.instant();
        String user = told.path("tags").path(USER_TAG).asText("");
        JsonNode source = told.path("source");
        String type = source.path("source_type").asText("SOURCE_TYPE_UNSPECIFIED");
        if (!SOURCES.contains(type)) {
            throw TidemillException.invalid(
                    "records",
                    "Invalid dataset record source type: " + type
                            + ". Valid source types: ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE']");
        }
        return new Row(
                "dr-" + RunId.next().value(),
                Json.write(Json.objectMapper().convertValue(told.path("inputs"), Map.class)),
                text(told, "outputs"),
                text(told, "expectations"),
                text(told, "tags"),
                text(told, "source"),
                type,
                Optional.ofNullable(source.path("source_data").path("trace_id").asText(null)),
                user,
                user,
                now,
                now);
    }

    private static Optional<String> text(JsonNode told, String field) {
        JsonNode value = told.path(field);
        return value.isMissingNode() || value.isNull() ? Optional.empty() : Optional.of(Json.write(value));
    }

    /** Expectations and tags are merged key by key; outputs are replaced. */
    private static Row merged(Row there, Row told) {
        return new Row(
                there.id(),
                there.inputs(),
                told.outputs().or(there::outputs),
                mergedObject(there.expectations(), told.expectations()),
                mergedObject(there.tags(), told.tags()),
                there.source().or(told::source),
                there.source().isPresent() ? there.sourceType() : told.sourceType(),
                there.sourceId().or(told::sourceId),
                there.createdBy(),
                told.updatedBy().isEmpty() ? there.updatedBy() : told.updatedBy(),
                there.createdAt(),
                told.updatedAt());
    }

    private static Optional<String> mergedObject(Optional<String> there, Optional<String> told) {
        if (there.isEmpty() || told.isEmpty()) {
            return told.or(() -> there);
        }
        JsonNode base = Json.read(there.get());
        JsonNode more = Json.read(told.get());
        if (base instanceof ObjectNode object && more instanceof ObjectNode fields) {
            object.setAll(fields);
            return Optional.of(Json.write(object));
        }
        return told;
    }

    /** Names and types of the fields of inputs, outputs and expectations. */
    private static String schema(String known, JsonNode records) {
        ObjectNode schema = known.isEmpty() ? Json.object() : (ObjectNode) Json.read(known);
        for (JsonNode told : records) {
            for (String part : List.of("inputs", "outputs", "expectations")) {
                ObjectNode fields = schema.withObject("/" + part);
                told.path(part).properties().forEach(field -> fields.put(field.getKey(), type(field.getValue())));
            }
        }
        schema.put("version", "1.0");
        return Json.write(schema);
    }

    private static String type(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING -> "string";
            case BOOLEAN -> "boolean";
            case NUMBER -> value.isIntegralNumber() ? "integer" : "float";
            case ARRAY -> "array";
            case OBJECT -> "object";
            default -> "string";
        };
    }
}
