package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** Routes that MLflow's own pages call, and no client by itself. */
public final class MlflowPageRoutes {
    private static final int MOST_POINTS = 25_000;
    private static final int MOST_RUNS = 100;
    private static final int MOST_EXPERIMENTS = 20;
    private static final int MOST_BYTES = 10 * 1024 * 1024;

    private final Tracking tracking;
    private final Experiments experiments;
    private final LoggedModels models;
    private final ArtifactTree tree;
    private final LocatedFiles files;

    public MlflowPageRoutes(
            Tracking tracking, Experiments experiments, LoggedModels models, ArtifactTree tree, LocatedFiles files) {
        this.files = files;
        this.tracking = tracking;
        this.experiments = experiments;
        this.models = models;
        this.tree = tree;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        var routes = new ArrayList<>(new MlflowWireRoutes("/2.0/mlflow")
                .post("/experiments/search-datasets", read, this::dataSets)
                .get("/logged-models/{model}/artifacts/directories", read, this::modelFolder)
                .routes());
        for (String root : List.of("/api", "/ajax-api")) {
            String base = root + "/2.0/mlflow";
            routes.add(MlflowWireRoutes.route(
                    HandlerType.GET,
                    base + "/metrics/get-history-bulk",
                    read,
                    (context, caller) -> context.result(Json.write(bulk(MlflowRequest.of(context), caller)))
                            .contentType("application/json")));
            routes.add(MlflowWireRoutes.route(HandlerType.POST, base + "/upload-artifact", write, this::upload));
            routes.add(MlflowWireRoutes.file(
                    base + "/logged-models/{model}/artifacts/files",
                    read,
                    (context, caller) -> file(
                            caller,
                            models.get(caller.project(), context.pathParam("model"))
                                    .artifacts(),
                            context.queryParam("artifact_file_path"))));
        }
        routes.add(MlflowWireRoutes.file(
                "/get-artifact",
                read,
                (context, caller) -> file(caller, run(context, caller), context.queryParam("path"))));
        return routes;
    }

    private String run(Context context, Caller caller) {
        String id = Optional.ofNullable(context.queryParam("run_id"))
                .or(() -> Optional.ofNullable(context.queryParam("run_uuid")))
                .orElseThrow(() -> MlflowRequest.missing("run_id"));
        return tracking.info(caller.project(), new RunId(id)).artifacts();
    }

    private FileAnswer file(Caller caller, String root, @org.jspecify.annotations.Nullable String path) {
        if (path == null || path.isEmpty()) {
            throw MlflowRequest.missing("path");
        }
        LocatedFiles.Found found = files.get(caller.project(), root, path);
        return new FileAnswer(path, found.size(), found.digest().map(Digest::value), found.content());
    }

    private void upload(Context context, Caller caller) throws IOException {
        String run = Optional.ofNullable(context.queryParam("run_uuid"))
                .filter(text -> !text.isEmpty())
                .orElseThrow(() -> TidemillException.invalid("run_uuid", "Request must specify run_uuid."));
        String path = Optional.ofNullable(context.queryParam("path"))
                .filter(text -> !text.isEmpty())
                .orElseThrow(() -> TidemillException.invalid("path", "Request must specify path."));
        String safe = ArtifactLocations.requireInside("path", path);
        byte[] content = RequestBody.read(context);
        if (content.length == 0) {
            throw TidemillException.invalid("body", "Request must specify data.");
        }
        if (content.length > MOST_BYTES) {
            throw TidemillException.invalid("body", "Artifact size is too large. Max size is 10MB.");
        }
        String root = tracking.info(caller.project(), new RunId(run)).artifacts();
        String own = files.own(root)
                .orElseThrow(() ->
                        TidemillException.invalid("run_uuid", "The run keeps its artifacts at " + root + ", not here"));
        tree.put(caller.project(), own + "/" + safe, new java.io.ByteArrayInputStream(content), MOST_BYTES);
        context.result("{}").contentType("application/json");
    }

    private ObjectNode bulk(MlflowRequest request, Caller caller) {
        List<String> runs = request.texts("run_id");
        if (runs.isEmpty()) {
            throw TidemillException.invalid("run_id", "GetMetricHistoryBulk request must specify at least one run_id.");
        }
        if (runs.size() > MOST_RUNS) {
            throw TidemillException.invalid(
                    "run_id",
                    "GetMetricHistoryBulk request cannot specify more than " + MOST_RUNS + " run_ids. Received "
                            + runs.size() + " run_ids.");
        }
        String metric = request.optionalText("metric_key")
                .orElseThrow(() -> TidemillException.invalid(
                        "metric_key", "GetMetricHistoryBulk request must specify a metric_key."));
        int most = (int) Math.clamp(request.optionalWhole("max_results").orElse((long) MOST_POINTS), 0, MOST_POINTS);
        ObjectNode json = Json.object();
        var list = json.putArray("metrics");
        for (String run : new TreeSet<>(runs)) {
            int left = most - list.size();
            if (left <= 0) {
                break;
            }
            if (tracking.findInfo(caller.project(), new RunId(run)).isEmpty()) {
                continue;
            }
            for (MetricPoint point : tracking.history(caller.project(), new RunId(run), metric, Optional.empty(), left)
                    .items()) {
                list.add(MlflowTrackingJson.metric(point).put("run_id", run));
            }
        }
        return json;
    }

    private ObjectNode dataSets(MlflowRequest request, Caller caller) {
        List<String> ids = request.texts("experiment_ids");
        if (ids.isEmpty()) {
            throw TidemillException.invalid(
                    "experiment_ids", "SearchDatasets request must specify at least one experiment_id.");
        }
        if (ids.size() > MOST_EXPERIMENTS) {
            throw TidemillException.invalid(
                    "experiment_ids",
                    "SearchDatasets request cannot specify more than " + MOST_EXPERIMENTS + " experiment_ids. Received "
                            + ids.size() + " experiment_ids.");
        }
        ObjectNode json = Json.object();
        experiments.dataSets(caller.project(), ids).forEach(used -> {
            ObjectNode entry = json.withArray("dataset_summaries")
                    .addObject()
                    .put("experiment_id", Long.toString(used.experimentId()))
                    .put("name", used.name())
                    .put("digest", used.digest());
            if (!used.context().isEmpty()) {
                entry.put("context", used.context());
            }
        });
        return json;
    }

    private ObjectNode modelFolder(MlflowRequest request, Caller caller) {
        String root = models.get(caller.project(), request.path("model")).artifacts();
        return MlflowArtifactListing.of(files, caller.project(), root, request.anyText("artifact_directory_path"));
    }
}
