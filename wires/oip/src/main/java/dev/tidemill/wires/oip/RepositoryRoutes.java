package dev.tidemill.wires.oip;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.IndexEntry;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.ModelStatistics;
import dev.tidemill.inference.domain.VersionStatistics;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The model repository and statistics extensions of the Open Inference Protocol. A repository's name is taken and ignored. */
public final class RepositoryRoutes {
    private static final String REPOSITORY = "/v2/repository";

    private final Gateway gateway;

    public RepositoryRoutes(Gateway gateway) {
        this.gateway = gateway;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        var operate = Access.project(Resource.INFERENCE, Action.OPERATE);
        Route.ProjectSource named = (context, principal) ->
                ModelName.parse(context.pathParam("model")).project();
        Stream<Route> all = Stream.of(
                        Route.post(REPOSITORY + "/index", read, this::index),
                        Route.get("/v2/models", read, this::names),
                        Route.get(
                                "/v2/models/stats",
                                read,
                                (context, caller) -> statistics(context, caller, Optional.empty(), Optional.empty())))
                .map(route -> route.project(Route.ProjectSource.HEADER));
        Stream<Route> one = Stream.of(
                        Route.post(REPOSITORY + "/models/{model}/load", operate, this::load),
                        Route.post(REPOSITORY + "/models/{model}/unload", operate, this::unload),
                        Route.post(REPOSITORY + "/{repository}/models/{model}/load", operate, this::load),
                        Route.post(REPOSITORY + "/{repository}/models/{model}/unload", operate, this::unload),
                        Route.get("/v2/models/{model}/stats", read, this::statistics),
                        Route.get("/v2/models/{model}/versions/{version}/stats", read, this::statistics))
                .map(route -> route.project(named));
        return Stream.concat(all, one)
                .map(route -> route.errors(ErrorStyle.INFERENCE))
                .toList();
    }

    /** Clients send no body, or {@code {"ready": true}} to see only what is in memory. */
    private void index(Context context, Caller caller) {
        boolean onlyReady =
                RequestBody.optionalObject(context).node().path("ready").asBoolean(false);
        ArrayNode list = Json.array();
        for (IndexEntry entry : gateway.index(caller.project(), onlyReady)) {
            list.addObject()
                    .put("name", ModelName.of(entry.project(), entry.name()))
                    .put("version", Integer.toString(entry.version()))
                    .put("state", entry.state())
                    .put("reason", entry.reason());
        }
        context.result(Json.write(list)).contentType("application/json");
    }

    private void names(Context context, Caller caller) {
        ObjectNode json = Json.object();
        ArrayNode names = json.putArray("models");
        gateway.index(caller.project()).forEach(entry -> names.add(ModelName.of(entry.project(), entry.name())));
        InferenceRoutes.send(context, json);
    }

    private void load(Context context, Caller caller) {
        gateway.load(
                caller.project(), ModelName.parse(context.pathParam("model")).name());
        InferenceRoutes.send(
                context, Json.object().put("name", context.pathParam("model")).put("load", true));
    }

    private void unload(Context context, Caller caller) {
        gateway.unload(
                caller.project(), ModelName.parse(context.pathParam("model")).name());
        InferenceRoutes.send(
                context, Json.object().put("name", context.pathParam("model")).put("unload", true));
    }

    private void statistics(Context context, Caller caller) {
        String name = ModelName.parse(context.pathParam("model")).name();
        gateway.model(caller.project(), name, InferenceRoutes.version(context));
        statistics(context, caller, Optional.of(name), InferenceRoutes.version(context));
    }

    private void statistics(Context context, Caller caller, Optional<String> name, Optional<String> version) {
        ObjectNode json = Json.object();
        ArrayNode list = json.putArray("model_stats");
        selected(gateway, caller.project(), name, version).forEach(one -> write(list.addObject(), one));
        InferenceRoutes.send(context, json);
    }

    /** The figures of a project's versions that are asked for; no name or version asks for all. */
    static List<VersionStatistics> selected(
            Gateway gateway, String project, Optional<String> name, Optional<String> version) {
        return gateway.statistics().stream()
                .filter(one -> one.project().equals(project))
                .filter(one -> name.isEmpty() || name.get().equals(one.name()))
                .filter(one -> version.isEmpty() || version.get().equals(Integer.toString(one.version())))
                .toList();
    }

    private static void write(ObjectNode json, VersionStatistics one) {
        ModelStatistics.Snapshot figures = one.figures();
        json.put("name", ModelName.of(one.project(), one.name()))
                .put("version", Integer.toString(one.version()))
                .put("last_inference", figures.lastMillis())
                .put("inference_count", figures.inferences())
                .put("execution_count", figures.executions());
        ObjectNode parts = json.putObject("inference_stats");
        duration(parts, "success", figures.successes(), figures.successNanos());
        duration(parts, "fail", figures.failures(), figures.failureNanos());
        duration(parts, "queue", figures.successes(), figures.queueNanos());
        duration(parts, "compute_input", figures.successes(), 0);
        duration(parts, "compute_infer", figures.successes(), figures.computeNanos());
        duration(parts, "compute_output", figures.successes(), 0);
        duration(parts, "cache_hit", 0, 0);
        duration(parts, "cache_miss", 0, 0);
        json.putArray("batch_stats");
        json.putArray("memory_usage");
    }

    private static void duration(ObjectNode parts, String name, long count, long nanos) {
        parts.putObject(name).put("count", count).put("ns", nanos);
    }
}
