package dev.tidemill.wires.oip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.ClientConnection;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.HeaderText;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The forms that are read as rows: protocol V1 ({@code :predict}), MLflow's scoring protocol ({@code /invocations}), and a
 * plain one for people ({@code /predict}).
 */
public final class RowsRoutes {
    private static final int MOST_KEYS_TOLD = 10;
    private static final int LONGEST_TOLD = 60;
    private static final String PREDICT = ":predict";

    private final Gateway gateway;
    private final Clock clock;
    private final String version;

    /** @param version of the server, as MLflow's scoring clients ask for it */
    public RowsRoutes(Gateway gateway, Clock clock, String version) {
        this.gateway = gateway;
        this.clock = clock;
        this.version = version;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        Route.ProjectSource named = (context, principal) ->
                ModelName.parse(plain(context.pathParam("model"))).project();
        return Stream.of(
                        Route.get("/v1/models", read, this::list).project(Route.ProjectSource.HEADER),
                        Route.get("/v1/models/{model}", read, this::ready).project(named),
                        Route.post("/v1/models/{model}", read, this::predictV1).project(named),
                        Route.post("/v1/models/{model}/versions/{version}", read, this::predictV1)
                                .project(named),
                        Route.post("/deployments/{model}/invocations", read, this::invoke)
                                .project(named),
                        Route.get("/deployments/{model}/ping", read, this::ping).project(named),
                        Route.get("/deployments/{model}/health", read, this::ping)
                                .project(named),
                        Route.get(
                                        "/deployments/{model}/version",
                                        read,
                                        (context, caller) ->
                                                context.result(version).contentType("text/plain"))
                                .project(named),
                        Route.post("/deployments/{model}/predict", read, this::predict)
                                .project(named))
                .map(route -> route.errors(ErrorStyle.INFERENCE))
                .toList();
    }

    private static String plain(String model) {
        return model.endsWith(PREDICT) ? model.substring(0, model.length() - PREDICT.length()) : model;
    }

    private static String name(Context context) {
        return ModelName.parse(plain(context.pathParam("model"))).name();
    }

    private void list(Context context, Caller caller) {
        ObjectNode json = Json.object();
        var names = json.putArray("models");
        gateway.index(caller.project()).forEach(entry -> names.add(ModelName.of(entry.project(), entry.name())));
        InferenceRoutes.send(context, json);
    }

    private void ready(Context context, Caller caller) {
        gateway.model(caller.project(), name(context), Optional.empty());
        InferenceRoutes.send(
                context, Json.object().put("name", context.pathParam("model")).put("ready", true));
    }

    private void ping(Context context, Caller caller) {
        gateway.model(caller.project(), name(context), Optional.empty());
        context.result("\n").contentType("text/plain");
    }

    private InferenceAnswer answer(
            Context context,
            Caller caller,
            List<Tensor> inputs,
            Map<String, Object> parameters,
            Optional<String> asked) {
        var request = InferenceRequest.of(
                        InferenceRoutes.predictionId(context),
                        Optional.empty(),
                        Optional.empty(),
                        inputs,
                        clock.instant())
                .by(caller.actor());
        InferenceAnswer answer;
        try (var cancellation = Cancellation.of(ClientConnection.of(context), Optional.empty())) {
            answer = gateway.infer(
                    caller.project(), name(context), asked, request.with(new CallContext(parameters, cancellation)));
        }
        context.header(InferenceRoutes.PREDICTION_ID, HeaderText.written(request.predictionId(0)));
        context.header("Tidemill-Model-Version", answer.version().reference());
        context.header("Tidemill-Route", answer.route().text());
        if (!answer.warnings().isEmpty()) {
            context.header("Tidemill-Warning", InferenceRoutes.headerText(String.join("; ", answer.warnings())));
        }
        return answer;
    }

    private void predictV1(Context context, Caller caller) {
        Optional<String> asked = InferenceRoutes.version(context).map(RowsRoutes::plain);
        String verb = context.pathParamMap().getOrDefault("version", context.pathParam("model"));
        if (!verb.endsWith(PREDICT)) {
            throw TidemillException.notFound("route", context.path()).remedy("POST to " + context.path() + PREDICT);
        }
        JsonNode json = RowsJson.parse(InferenceRoutes.body(context));
        boolean columns = json.has("inputs") && json.path("inputs").isObject();
        List<Tensor> inputs = columns
                ? RowsJson.named(json.path("inputs"), "inputs")
                : RowsJson.rows(json.has("instances") ? json.path("instances") : json.path("inputs"), "instances");
        InferenceAnswer answer = answer(context, caller, inputs, Map.of(), asked);
        ObjectNode result = Json.object();
        AnswerMemory.take(AnswerMemory.told(answer.outputs()));
        result.set("predictions", RowsJson.predictions(answer.outputs()));
        InferenceRoutes.send(context, result);
    }

    private void invoke(Context context, Caller caller) {
        String type = Optional.ofNullable(context.contentType()).orElse("application/json");
        byte[] body = InferenceRoutes.body(context);
        List<Tensor> inputs;
        Map<String, Object> parameters = Map.of();
        if (type.startsWith("text/csv")) {
            inputs = CsvRows.read(body);
        } else if (type.startsWith("application/json")) {
            JsonNode json = RowsJson.parse(body);
            inputs = invocation(json);
            parameters = parameters(json.path("params"));
        } else {
            throw TidemillException.invalid(
                    "Content-Type", "'" + type + "' is not taken; application/json and text/csv are");
        }
        // MLflow's libraries answer with the class alone, unless they are asked for more.
        Map<String, Object> asked = new LinkedHashMap<>(parameters);
        asked.putIfAbsent(ModelParameters.PROBABILITIES.name(), false);
        boolean probabilities = Boolean.TRUE.equals(asked.get(ModelParameters.PROBABILITIES.name()));
        InferenceAnswer answer =
                ClassifierForm.of(answer(context, caller, inputs, asked, Optional.empty()), probabilities);
        ObjectNode result = Json.object();
        AnswerMemory.take(AnswerMemory.told(answer.outputs()));
        result.set("predictions", RowsJson.scored(answer.outputs()));
        InferenceRoutes.send(context, result);
    }

    /** MLflow's {@code params}; those that are null are as if they were not there. */
    private static Map<String, Object> parameters(JsonNode json) {
        if (json.isMissingNode() || json.isNull()) {
            return Map.of();
        }
        if (!json.isObject()) {
            throw TidemillException.invalid("params", "'params' must be an object");
        }
        Map<String, Object> parameters = new LinkedHashMap<>();
        json.properties().forEach(entry -> {
            if (!entry.getValue().isNull()) {
                parameters.put(entry.getKey(), RowsJson.plain(entry.getValue()));
            }
        });
        return parameters;
    }

    private static String told(JsonNode json) {
        List<String> keys = json.propertyStream()
                .limit(MOST_KEYS_TOLD)
                .map(entry -> "'"
                        + entry.getKey().substring(0, Math.min(entry.getKey().length(), LONGEST_TOLD)) + "'")
                .toList();
        return keys.isEmpty() ? "none of them" : String.join(", ", keys);
    }

    /** The four JSON forms of MLflow's scoring protocol, of which a body must hold exactly one. */
    private static List<Tensor> invocation(JsonNode json) {
        List<String> forms = Stream.of("dataframe_split", "dataframe_records", "instances", "inputs")
                .filter(json::has)
                .toList();
        if (forms.size() != 1) {
            throw TidemillException.invalid(
                    "body",
                    "The body must be an object with exactly one of 'dataframe_split', 'dataframe_records',"
                            + " 'instances' and 'inputs'; it has "
                            + (forms.isEmpty() ? told(json) : String.join(" and ", forms)));
        }
        JsonNode content = json.path(forms.getFirst());
        return switch (forms.getFirst()) {
            case "dataframe_split" -> split(content);
            case "inputs" -> content.isObject() ? RowsJson.named(content, "inputs") : RowsJson.rows(content, "inputs");
            default -> RowsJson.rows(content, forms.getFirst());
        };
    }

    private static List<Tensor> split(JsonNode content) {
        JsonNode data = content.path("data");
        if (!data.isArray() || data.isEmpty()) {
            throw TidemillException.invalid(
                    "dataframe_split", "'data' of 'dataframe_split' must be a list of at least one row");
        }
        JsonNode index = content.path("index");
        if (index.isArray() && index.size() != data.size()) {
            throw TidemillException.invalid(
                    "dataframe_split", "'index' has " + index.size() + " entries; 'data' has " + data.size() + " rows");
        }
        if (!content.has("columns")) {
            return RowsJson.rows(data, "dataframe_split.data");
        }
        Map<String, List<@Nullable Object>> columns = new LinkedHashMap<>();
        content.path("columns").forEach(name -> columns.put(name.asText(), new ArrayList<>()));
        for (JsonNode row : data) {
            if (!row.isArray() || row.size() != columns.size()) {
                throw TidemillException.invalid(
                        "dataframe_split",
                        "A row has " + row.size() + " values; there are " + columns.size() + " different columns");
            }
            int i = 0;
            for (Map.Entry<String, List<@Nullable Object>> column : columns.entrySet()) {
                column.getValue().add(RowsJson.scalar(column.getKey(), row.get(i++)));
            }
        }
        return RowsJson.columns(columns);
    }

    /** One row as an object, or a list of rows; the answer says what it was made by. */
    private void predict(Context context, Caller caller) {
        JsonNode json = RowsJson.parse(InferenceRoutes.body(context));
        List<Tensor> inputs = RowsJson.rows(json.isObject() ? Json.array().add(json) : json, "body");
        InferenceAnswer answer =
                answer(context, caller, inputs, Map.of(), Optional.ofNullable(context.queryParam("version")));
        ObjectNode result = Json.object()
                .put("model", answer.version().model())
                .put("version", answer.version().version())
                .put("route", answer.route().text());
        if (!answer.classes().isEmpty()) {
            answer.classes().forEach(result.putArray("classes")::add);
        }
        AnswerMemory.take(AnswerMemory.told(answer.outputs()));
        result.set("predictions", RowsJson.predictions(answer.outputs()));
        InferenceRoutes.send(context, result);
    }
}
