package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.Spool;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunQuery;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes.Streamed;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** MLflow's routes for runs, what is logged to them, and metrics. */
public final class MlflowRunRoutes {
    private static final int MOST_RUNS = 50_000;
    private static final int MOST_POINTS = 25_000;
    private static final int MOST_OF_CURVE = 2500;
    private static final int MOST_OF_CURVES = 100;
    private static final List<String> METRIC_FIELDS = List.of("key", "value", "timestamp");
    private static final List<String> KEY_FIELD = List.of("key");

    private final Tracking tracking;
    private final LocatedFiles files;

    public MlflowRunRoutes(Tracking tracking, LocatedFiles files) {
        this.tracking = tracking;
        this.files = files;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return new MlflowWireRoutes("/2.0/mlflow")
                .post("/runs/create", write, this::create)
                .get("/runs/get", read, (request, caller) -> one(tracking.run(caller.project(), id(request))))
                .post("/runs/update", write, this::update)
                .post("/runs/delete", write, (request, caller) -> {
                    tracking.delete(caller.project(), new RunId(request.text("run_id")), caller.actor());
                    return Json.object();
                })
                .post("/runs/restore", write, (request, caller) -> {
                    tracking.restore(caller.project(), new RunId(request.text("run_id")), caller.actor());
                    return Json.object();
                })
                .postStreaming("/runs/search", read, this::search)
                .post("/runs/log-metric", write, this::logMetric)
                .post("/runs/log-parameter", write, (request, caller) -> {
                    String key = request.text("key");
                    tracking.log(
                            caller.project(), id(request), Map.of(key, request.anyText("value")), Map.of(), List.of());
                    return Json.object();
                })
                .post("/runs/set-tag", write, (request, caller) -> {
                    String key = request.text("key");
                    tracking.log(
                            caller.project(), id(request), Map.of(), Map.of(key, request.anyText("value")), List.of());
                    return Json.object();
                })
                .post("/runs/delete-tag", write, (request, caller) -> {
                    tracking.removeTag(caller.project(), id(request), request.text("key"));
                    return Json.object();
                })
                .post("/runs/log-batch", write, this::logBatch)
                .post("/runs/log-inputs", write, this::logInputs)
                .post("/runs/outputs", write, this::logOutputs)
                .post("/runs/log-model", write, this::logModel)
                .get("/artifacts/list", read, this::artifacts)
                .getStreaming("/metrics/get-history", read, this::history)
                .getStreaming("/metrics/get-history-bulk-interval", read, this::intervals)
                .routes();
    }

    private static RunId id(MlflowRequest request) {
        return new RunId(request.optionalText("run_id")
                .orElseGet(() -> request.optionalText("run_uuid").orElseThrow(() -> MlflowRequest.missing("run_id"))));
    }

    private static ObjectNode one(Run run) {
        ObjectNode json = Json.object();
        json.set("run", MlflowTrackingJson.run(run));
        return json;
    }

    private ObjectNode create(MlflowRequest request, Caller caller) {
        return one(tracking.create(
                caller.project(),
                request.optionalText("experiment_id").orElse("0"),
                request.optionalText("run_name"),
                request.optionalText("user_id").orElse(""),
                request.optionalWhole("start_time").map(Instant::ofEpochMilli),
                MlflowTrackingJson.texts(request.messages("tags"), false),
                caller.actor()));
    }

    private ObjectNode update(MlflowRequest request, Caller caller) {
        Run run = tracking.update(
                caller.project(),
                id(request),
                request.optionalText("status").map(MlflowRunRoutes::status),
                request.optionalWhole("end_time").map(Instant::ofEpochMilli),
                request.optionalText("run_name"),
                caller.actor());
        ObjectNode json = Json.object();
        json.set("run_info", MlflowTrackingJson.info(run));
        return json;
    }

    private static Run.Status status(String text) {
        try {
            return Run.Status.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("status", "Invalid value \"" + text + "\" for parameter 'status' supplied");
        }
    }

    private Streamed search(MlflowRequest request, Caller caller) {
        var query = new RunQuery(
                request.texts("experiment_ids"),
                MlflowTrackingJson.lifecycle(request, "run_view_type"),
                request.anyText("filter"),
                request.texts("order_by"));
        var page = tracking.search(
                caller.project(),
                query,
                request.optionalText("page_token"),
                Limits.pageSize(request.optionalWhole("max_results", MOST_RUNS).orElse(1000L), MOST_RUNS));
        return out -> MlflowTrackingJson.writePage(out, "runs", page, MlflowTrackingJson::run);
    }

    private ObjectNode logMetric(MlflowRequest request, Caller caller) {
        RunId run = id(request);
        tracking.log(caller.project(), run, batch(run, List.of(request), Map.of(), Map.of()));
        return Json.object();
    }

    private static Tracking.Batch batch(
            RunId run, List<MlflowRequest> metrics, Map<String, String> params, Map<String, String> tags) {
        var points = new ArrayList<MetricPoint>(metrics.size());
        var ofModels = new HashMap<String, List<LoggedModel.Measured>>();
        for (MlflowRequest metric : metrics) {
            MetricPoint point = MlflowTrackingJson.point(metric);
            points.add(point);
            metric.optionalText("model_id")
                    .ifPresent(model -> ofModels.computeIfAbsent(model, id -> new ArrayList<>())
                            .add(new LoggedModel.Measured(
                                    point,
                                    run.value(),
                                    metric.optionalText("dataset_name"),
                                    metric.optionalText("dataset_digest"))));
        }
        return new Tracking.Batch(points, params, tags, ofModels);
    }

    private ObjectNode logBatch(MlflowRequest request, Caller caller) {
        if (request.bodySize() > Limits.BATCH_BYTES) {
            throw TidemillException.invalid(
                    "body",
                    "Batched logging API requests must be at most " + Limits.BATCH_BYTES
                            + " bytes, got a request of size " + request.bodySize() + ".");
        }
        RunId run = id(request);
        List<MlflowRequest> metrics = request.messages("metrics");
        List<MlflowRequest> params = request.messages("params");
        List<MlflowRequest> tags = request.messages("tags");
        Limits.batch("metrics", metrics.size(), Limits.METRICS);
        Limits.batch("params", params.size(), Limits.PARAMS);
        Limits.batch("tags", tags.size(), Limits.TAGS);
        int entries = metrics.size() + params.size() + tags.size();
        if (entries > Limits.ENTRIES) {
            throw TidemillException.invalid(
                    "body",
                    "A batch logging request can contain at most " + Limits.ENTRIES + " metrics, params, and tags. Got "
                            + entries + " metrics, params, and tags. Please split up metrics, params, and tags across"
                            + " multiple requests and try again.");
        }
        named("metrics", "Metric", "name", metrics);
        named("params", "Param", "key", params);
        named("tags", "Tag", "key", tags);
        tracking.log(
                caller.project(),
                run,
                batch(run, metrics, MlflowTrackingJson.texts(params, true), MlflowTrackingJson.texts(tags, false)));
        return Json.object();
    }

    /** Refuses a name that is not allowed, saying which one of the list it is. */
    private static void named(String list, String what, String field, List<MlflowRequest> entries) {
        for (int i = 0; i < entries.size(); i++) {
            MlflowRequest entry = entries.get(i);
            String at = list + "[" + i + "].";
            for (String required : list.equals("metrics") ? METRIC_FIELDS : KEY_FIELD) {
                if (entry.node(required).isMissingNode() || entry.node(required).isNull()) {
                    throw MlflowRequest.missing(at + required);
                }
            }
            Limits.key(what, entry.presentText("key"), at + field);
            long time = list.equals("metrics") ? entry.whole("timestamp") : 0;
            if (time < 0) {
                throw TidemillException.invalid(
                        at + "timestamp",
                        "Invalid value " + time + " for parameter '" + at + "timestamp' supplied: metric '"
                                + entry.presentText("key") + "' (value=" + entry.number("value")
                                + "). Timestamp must be a nonnegative long (64-bit integer) ");
            }
        }
    }

    private ObjectNode logInputs(MlflowRequest request, Caller caller) {
        tracking.addInputs(
                caller.project(),
                id(request),
                RunInputs.dataSets(request, "datasets"),
                RunInputs.models(request, "models", false));
        return Json.object();
    }

    private ObjectNode logOutputs(MlflowRequest request, Caller caller) {
        tracking.addOutputs(caller.project(), id(request), RunInputs.models(request, "models", true));
        return Json.object();
    }

    /** What clients before 3.0 send: the model's description is kept as the tag that they read. */
    private ObjectNode logModel(MlflowRequest request, Caller caller) {
        String described = request.text("model_json");
        RunId run = id(request);
        var models = Json.array();
        Optional.ofNullable(tracking.run(caller.project(), run).tags().get("mlflow.log-model.history"))
                .ifPresent(history -> Json.read(history).forEach(models::add));
        models.add(Json.parseObject(described.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        tracking.log(
                caller.project(), run, Map.of(), Map.of("mlflow.log-model.history", Json.write(models)), List.of());
        return Json.object();
    }

    private ObjectNode artifacts(MlflowRequest request, Caller caller) {
        Run run = tracking.info(caller.project(), id(request));
        return MlflowArtifactListing.of(files, caller.project(), run.artifacts(), request.anyText("path"));
    }

    /** Clients that name no size want all points, however many there are. */
    private Streamed history(MlflowRequest request, Caller caller) throws IOException {
        RunId run = id(request);
        String metric = request.text("metric_key");
        Optional<Integer> size = request.optionalWhole("max_results").map(asked -> {
            if (asked < 1) {
                throw TidemillException.invalid(
                        "max_results",
                        "Invalid value " + asked
                                + " for parameter 'max_results' supplied. It must be a positive integer.");
            }
            return (int) Math.min(asked, MOST_POINTS);
        });
        if (size.isPresent() || request.optionalText("page_token").isPresent()) {
            var page = tracking.history(
                    caller.project(), run, metric, request.optionalText("page_token"), size.orElse(MOST_POINTS));
            return out -> MlflowTrackingJson.writePage(out, "metrics", page, MlflowTrackingJson::metric);
        }
        return spooled(list ->
                tracking.eachPoint(caller.project(), run, metric, point -> list.add(MlflowTrackingJson.metric(point))));
    }

    /** An answer of any number of points, of which none is in memory for long. */
    private static Streamed spooled(Consumer<MlflowTrackingJson.Listing> points) throws IOException {
        var spool = new Spool();
        try {
            var list = new MlflowTrackingJson.Listing(spool, "metrics");
            points.accept(list);
            list.end();
        } catch (IOException | RuntimeException | Error e) {
            spool.close();
            throw e;
        }
        return spool::drainTo;
    }

    private Streamed intervals(MlflowRequest request, Caller caller) throws IOException {
        List<String> runs =
                request.texts("run_ids").stream().filter(run -> !run.isEmpty()).toList();
        if (runs.isEmpty()) {
            throw MlflowRequest.missing("run_ids");
        }
        if (runs.size() > MOST_OF_CURVES) {
            throw TidemillException.invalid(
                    "run_ids",
                    "GetMetricHistoryBulkInterval request must specify at most " + MOST_OF_CURVES
                            + " run_ids. Received " + runs.size()
                            + " run_ids. See the API docs for more information about request parameters.");
        }
        long most = request.optionalWhole("max_results").orElse(320L);
        if (most < 1 || most > MOST_OF_CURVE) {
            throw TidemillException.invalid(
                    "max_results",
                    "max_results must be between 1 and " + MOST_OF_CURVE
                            + ". See the API docs for more information about request parameters.");
        }
        Tracking.Span span = span(request);
        return spooled(list -> {
            list.begin();
            for (String run : runs) {
                for (MetricPoint point : tracking.sample(
                        caller.project(), new RunId(run), request.text("metric_key"), span, (int) most)) {
                    list.add(MlflowTrackingJson.metric(point).put("run_id", run));
                }
            }
        });
    }

    private static Tracking.Span span(MlflowRequest request) {
        Optional<Long> start = request.optionalWhole("start_step");
        Optional<Long> end = request.optionalWhole("end_step");
        if (start.isPresent() != end.isPresent()) {
            throw TidemillException.invalid(
                    "start_step", "If either start step or end step are specified, both must be specified.");
        }
        if (start.isEmpty() || end.isEmpty()) {
            return Tracking.Span.ALL;
        }
        if (start.get() > end.get()) {
            throw TidemillException.invalid(
                    "end_step",
                    "end_step must be greater than start_step. Found start_step=" + start.get() + " and end_step="
                            + end.get() + ".");
        }
        return new Tracking.Span(start.get(), end.get());
    }
}
