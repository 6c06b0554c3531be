package dev.tidemill.wires.mlflow.traces;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Scorer;
import dev.tidemill.tracking.domain.Scorers;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import java.util.List;
import java.util.Optional;

/** MLflow's routes for scorers: kept for their clients, never run here. */
public final class MlflowScorerRoutes {
    private final Scorers scorers;

    public MlflowScorerRoutes(Scorers scorers) {
        this.scorers = scorers;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return new MlflowWireRoutes("/3.0/mlflow/scorers")
                .post("/register", write, this::register)
                .get("/list", read, (request, caller) -> {
                    List<String> experiments = request.texts("experiment_ids");
                    return list((experiments.isEmpty()
                                    ? List.of(request.text("experiment_id"))
                                    : Experiments.few(experiments))
                            .stream()
                                    .flatMap(experiment -> scorers.newest(caller.project(), experiment).stream())
                                    .toList());
                })
                .get(
                        "/versions",
                        read,
                        (request, caller) -> list(scorers.versions(
                                caller.project(), request.text("experiment_id"), request.text("name"))))
                .get("/get", read, (request, caller) -> {
                    ObjectNode json = Json.object();
                    json.set(
                            "scorer",
                            one(scorers.get(
                                    caller.project(),
                                    request.text("experiment_id"),
                                    request.text("name"),
                                    version(request))));
                    return json;
                })
                .delete("/delete", write, (request, caller) -> {
                    scorers.delete(
                            caller.project(), request.text("experiment_id"), request.text("name"), version(request));
                    return Json.object();
                })
                .routes();
    }

    private static Optional<Integer> version(MlflowRequest request) {
        return request.optionalWhole("version").map(Math::toIntExact);
    }

    private ObjectNode register(MlflowRequest request, Caller caller) {
        Scorer made = scorers.register(
                caller.project(),
                request.text("experiment_id"),
                request.text("name"),
                request.text("serialized_scorer"));
        return Json.object()
                .put("version", made.version())
                .put("scorer_id", made.id())
                .put("experiment_id", Long.toString(made.experimentId()))
                .put("name", made.name())
                .put("serialized_scorer", made.content())
                .put("creation_time", made.createdAt().toEpochMilli());
    }

    private static ObjectNode list(List<Scorer> scorers) {
        ObjectNode json = Json.object();
        scorers.forEach(scorer -> json.withArray("scorers").add(one(scorer)));
        return json;
    }

    private static ObjectNode one(Scorer scorer) {
        return Json.object()
                .put("experiment_id", scorer.experimentId())
                .put("scorer_name", scorer.name())
                .put("scorer_version", scorer.version())
                .put("serialized_scorer", scorer.content())
                .put("creation_time", scorer.createdAt().toEpochMilli())
                .put("scorer_id", scorer.id());
    }
}
