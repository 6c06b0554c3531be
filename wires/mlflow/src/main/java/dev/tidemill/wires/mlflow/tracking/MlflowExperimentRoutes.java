package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import java.util.List;

/** MLflow's routes for experiments. */
public final class MlflowExperimentRoutes {
    private static final String PATH = "/experiments";
    private static final int MOST = 50_000;

    private final Experiments experiments;

    public MlflowExperimentRoutes(Experiments experiments) {
        this.experiments = experiments;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return new MlflowWireRoutes("/2.0/mlflow")
                .post(PATH + "/create", write, this::create)
                .get(
                        PATH + "/get",
                        read,
                        (request, caller) -> one(experiments.get(caller.project(), request.text("experiment_id"))))
                .get(
                        PATH + "/get-by-name",
                        read,
                        (request, caller) ->
                                one(experiments.getByName(caller.project(), request.text("experiment_name"))))
                .get(PATH + "/search", read, this::search)
                .post(PATH + "/search", read, this::search)
                .post(PATH + "/update", write, (request, caller) -> {
                    experiments.rename(
                            caller.project(), request.text("experiment_id"), request.text("new_name"), caller.actor());
                    return Json.object();
                })
                .post(PATH + "/delete", write, (request, caller) -> {
                    experiments.delete(caller.project(), request.text("experiment_id"), caller.actor());
                    return Json.object();
                })
                .post(PATH + "/restore", write, (request, caller) -> {
                    experiments.restore(caller.project(), request.text("experiment_id"), caller.actor());
                    return Json.object();
                })
                .post(PATH + "/set-experiment-tag", write, (request, caller) -> {
                    experiments.putTag(
                            caller.project(),
                            request.text("experiment_id"),
                            request.text("key"),
                            request.anyText("value"));
                    return Json.object();
                })
                .post(PATH + "/delete-experiment-tag", write, (request, caller) -> {
                    experiments.removeTag(caller.project(), request.text("experiment_id"), request.text("key"));
                    return Json.object();
                })
                .routes();
    }

    private static ObjectNode one(dev.tidemill.tracking.domain.Experiment experiment) {
        ObjectNode json = Json.object();
        json.set("experiment", MlflowTrackingJson.experiment(experiment));
        return json;
    }

    private ObjectNode create(MlflowRequest request, Caller caller) {
        var made = experiments.create(
                caller.project(),
                request.text("name"),
                request.optionalText("artifact_location"),
                MlflowTrackingJson.texts(request.messages("tags"), false),
                caller.actor());
        return Json.object().put("experiment_id", made.reference());
    }

    private ObjectNode search(MlflowRequest request, Caller caller) {
        var page = experiments.search(
                caller.project(),
                MlflowTrackingJson.lifecycle(request, "view_type"),
                request.optionalText("filter").orElse(""),
                request.texts("order_by"),
                request.optionalText("page_token"),
                Limits.pageSize(request.optionalWhole("max_results").orElse(1000L), MOST));
        return MlflowTrackingJson.page("experiments", page, MlflowTrackingJson::experiment);
    }
}
