package dev.tidemill.inference.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * Open Inference Protocol V2 over REST. A model's name is its deployment's; one of another project than {@code default} is
 * called {@code project~name}.
 */
public final class InferenceRoutes {
    private static final String MODEL = "/v2/models/{model}";

    private final Gateway gateway;
    private final Clock clock;
    private final String version;

    public InferenceRoutes(Gateway gateway, Clock clock, String version) {
        this.gateway = gateway;
        this.clock = clock;
        this.version = version;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        return List.of(
                        Route.get("/v2", Access.open(), (context, caller) -> send(context, serverMetadata())),
                        Route.get(
                                "/v2/health/live",
                                Access.open(),
                                (context, caller) -> send(context, Json.object().put("live", true))),
                        Route.get(
                                "/v2/health/ready",
                                Access.open(),
                                (context, caller) -> send(context, Json.object().put("ready", true))),
                        Route.get(MODEL, read, this::metadata),
                        Route.get(MODEL + "/versions/{version}", read, this::metadata),
                        Route.get(MODEL + "/ready", read, this::ready),
                        Route.get(MODEL + "/versions/{version}/ready", read, this::ready),
                        Route.post(MODEL + "/infer", read, this::infer),
                        Route.post(MODEL + "/versions/{version}/infer", read, this::infer))
                .stream()
                .map(route -> route.errors(ErrorStyle.INFERENCE)
                        .project((context, principal) ->
                                ModelName.parse(context.pathParam("model")).project()))
                .toList();
    }

    private static String name(Context context) {
        return ModelName.parse(context.pathParam("model")).name();
    }

    private static Optional<Integer> version(Context context) {
        return context.pathParamMap().containsKey("version")
                ? Optional.of(Requests.positive(context, "version"))
                : Optional.empty();
    }

    /** Some clients read errors and answers only under exactly this content type. */
    private static void send(Context context, ObjectNode json) {
        context.result(Json.write(json)).contentType("application/json");
    }

    private ObjectNode serverMetadata() {
        ObjectNode json = Json.object().put("name", "tidemill").put("version", version);
        json.putArray("extensions");
        return json;
    }

    private void metadata(Context context, Caller caller) {
        ServingPlan plan = gateway.plan(caller.project(), name(context));
        LoadedModel model = gateway.champion(caller.project(), name(context));
        ObjectNode json = Json.object().put("name", context.pathParam("model")).put("platform", "tidemill_trees");
        ArrayNode versions =
                json.putArray("versions").add(Integer.toString(plan.champion().version()));
        plan.challenger()
                .ifPresent(
                        trial -> versions.add(Integer.toString(trial.version().version())));
        ArrayNode inputs = json.putArray("inputs");
        for (LoadedModel.Tensor tensor : model.inputs()) {
            inputs.addObject()
                    .put("name", tensor.name())
                    .put("datatype", tensor.datatype())
                    .putArray("shape")
                    .add(-1);
        }
        ArrayNode shape = json.putArray("outputs")
                .addObject()
                .put("name", "prediction")
                .put("datatype", "FP64")
                .putArray("shape")
                .add(-1);
        if (model.outputs() > 1) {
            shape.add(model.outputs());
        }
        send(context, json);
    }

    private void ready(Context context, Caller caller) {
        gateway.plan(caller.project(), name(context));
        send(context, Json.object().put("name", context.pathParam("model")).put("ready", true));
    }

    private void infer(Context context, Caller caller) {
        InferenceRequest request = InferenceJson.request(context.bodyAsBytes(), clock);
        InferenceAnswer answer = gateway.infer(caller.project(), name(context), version(context), request);
        context.header("Tidemill-Prediction-Id", request.predictionId(0));
        send(context, InferenceJson.answer(context.pathParam("model"), request, answer));
    }
}
