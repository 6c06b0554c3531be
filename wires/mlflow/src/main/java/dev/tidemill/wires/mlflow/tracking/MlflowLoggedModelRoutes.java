package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.LoggedModelStore.DataSetRef;
import dev.tidemill.tracking.domain.LoggedModelStore.Order;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.SearchKeys;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import java.util.List;
import java.util.Optional;

/** MLflow's routes for logged models. */
public final class MlflowLoggedModelRoutes {
    private static final String PATH = "/logged-models";
    /** Each clause on a metric names them again. */
    private static final int MOST_DATA_SETS = 100;

    private static final int MOST = 1000;

    private final LoggedModels models;

    public MlflowLoggedModelRoutes(LoggedModels models) {
        this.models = models;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return new MlflowWireRoutes("/2.0/mlflow")
                .post(PATH, write, this::create)
                .post(PATH + "/search", read, this::search)
                .get(
                        PATH + "/{model}",
                        read,
                        (request, caller) -> one(models.get(caller.project(), request.path("model"))))
                .patch(
                        PATH + "/{model}",
                        write,
                        (request, caller) -> one(
                                models.finish(caller.project(), request.path("model"), status(request.text("status")))))
                .delete(PATH + "/{model}", write, (request, caller) -> {
                    models.delete(caller.project(), request.path("model"), caller.actor());
                    return Json.object();
                })
                .post(PATH + "/{model}/params", write, (request, caller) -> {
                    models.putParams(
                            caller.project(),
                            request.path("model"),
                            MlflowTrackingJson.texts(request.messages("params"), true));
                    return Json.object();
                })
                .patch(PATH + "/{model}/tags", write, (request, caller) -> {
                    models.putTags(
                            caller.project(),
                            request.path("model"),
                            MlflowTrackingJson.texts(request.messages("tags"), false));
                    return Json.object();
                })
                .delete(PATH + "/{model}/tags/{tag}", write, (request, caller) -> {
                    models.removeTag(caller.project(), request.path("model"), request.path("tag"));
                    return Json.object();
                })
                .routes();
    }

    private static ObjectNode one(LoggedModel model) {
        ObjectNode json = Json.object();
        json.set("model", MlflowTrackingJson.model(model));
        return json;
    }

    private ObjectNode create(MlflowRequest request, Caller caller) {
        return one(models.create(
                caller.project(),
                request.text("experiment_id"),
                request.optionalText("name"),
                request.optionalText("model_type").orElse(""),
                request.optionalText("source_run_id").orElse(""),
                MlflowTrackingJson.texts(request.messages("params"), true),
                MlflowTrackingJson.texts(request.messages("tags"), false),
                caller.actor()));
    }

    private static LoggedModel.Status status(String text) {
        try {
            return LoggedModel.Status.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("status", "Invalid model status: '" + text + "'");
        }
    }

    private ObjectNode search(MlflowRequest request, Caller caller) {
        if (request.texts("experiment_ids").isEmpty()) {
            throw MlflowRequest.missing("experiment_ids");
        }
        List<DataSetRef> dataSets = request.messages("datasets").stream()
                .map(entry -> new DataSetRef(
                        entry.optionalText("dataset_name")
                                .orElseThrow(() -> TidemillException.invalid(
                                        "datasets", "`dataset_name` in the `datasets` clause must be specified.")),
                        entry.optionalText("dataset_digest")))
                .toList();
        if (dataSets.size() > MOST_DATA_SETS) {
            throw TidemillException.invalid(
                    "datasets",
                    "A search names at most " + MOST_DATA_SETS + " datasets; this one names " + dataSets.size()
                            + ". Ask for fewer at a time");
        }
        SearchParser.requireFewKeys(request.messages("order_by").size());
        List<Order> order = request.messages("order_by").stream()
                .map(MlflowLoggedModelRoutes::order)
                .toList();
        var page = models.search(
                caller.project(),
                request.texts("experiment_ids"),
                request.optionalText("filter").orElse(""),
                dataSets,
                order,
                request.optionalText("page_token"),
                Limits.pageSize(
                        request.optionalWhole("max_results")
                                .filter(asked -> asked != 0)
                                .orElse(100L),
                        MOST));
        return MlflowTrackingJson.page("models", page, MlflowTrackingJson::model);
    }

    private static Order order(MlflowRequest entry) {
        String field = entry.anyText("field_name");
        if (!SearchKeys.ordersLoggedModels(field)) {
            throw TidemillException.invalid("order_by", "Invalid order by field name: " + field);
        }
        Ordering ordering =
                SearchParser.order(SearchKeys.LOGGED_MODELS, List.of(field)).getFirst();
        boolean metric = ordering.entity().equals(SearchKeys.METRIC);
        Optional<String> name = entry.optionalText("dataset_name");
        Optional<String> digest = entry.optionalText("dataset_digest");
        if (digest.isPresent() && name.isEmpty()) {
            throw TidemillException.invalid(
                    "order_by", "`dataset_digest` can only be specified if `dataset_name` is also specified.");
        }
        return new Order(metric, ordering.key(), entry.optionalFlag("ascending").orElse(true), name, digest);
    }
}
