package dev.tidemill.wires.mlflow.traces;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Page;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes.Streamed;
import dev.tidemill.wires.mlflow.tracking.MlflowTrackingJson;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** MLflow's routes for traces and assessments, those of clients before 3.0 too. */
public final class MlflowTraceRoutes {
    private static final String PATH = "/traces";
    private static final String ONE = PATH + "/{trace}";
    private static final String ASSESSMENT = ONE + "/assessments/{assessment}";
    private static final int MOST = 500;
    private static final int MOST_IDS = 1000;
    private static final Access READ = Access.project(Resource.EXPERIMENT, Action.READ);
    private static final Access WRITE = Access.project(Resource.EXPERIMENT, Action.WRITE);

    private final Traces traces;

    public MlflowTraceRoutes(Traces traces) {
        this.traces = traces;
    }

    public List<Route> routes() {
        var routes = new ArrayList<>(current());
        routes.addAll(assessments());
        routes.addAll(older());
        return routes;
    }

    private List<Route> current() {
        return new MlflowWireRoutes("/3.0/mlflow")
                .post(
                        PATH,
                        WRITE,
                        (request, caller) -> MlflowTraceJson.infoOnly(traces.put(
                                caller.project(),
                                MlflowTraceJson.read(
                                        caller.project(),
                                        request.message("trace").message("trace_info")))))
                .get(PATH + "/get", READ, (request, caller) -> {
                    ObjectNode json = Json.object();
                    json.set(
                            "trace",
                            MlflowTraceJson.withSpans(traces.getWhole(caller.project(), request.text("trace_id"))));
                    return json;
                })
                .getStreaming(PATH + "/batchGet", READ, this::batch)
                .postStreaming(PATH + "/batchGetInfos", READ, (request, caller) -> {
                    var found = traces.getAll(caller.project(), ids(request))
                            .filter(asked(request))
                            .map(MlflowTraceJson::info);
                    return out -> MlflowTrackingJson.writeAll(out, "trace_infos", found);
                })
                .post(PATH + "/search", READ, this::search)
                .post(PATH + "/delete-traces", WRITE, this::delete)
                .post(PATH + "/calculate-filter-correlation", READ, this::correlation)
                .get(
                        ONE,
                        READ,
                        (request, caller) ->
                                MlflowTraceJson.infoOnly(traces.get(caller.project(), request.path("trace"))))
                .patch(ONE + "/tags", WRITE, this::putTag)
                .delete(ONE + "/tags", WRITE, this::removeTag)
                .routes();
    }

    private List<Route> assessments() {
        return new MlflowWireRoutes("/3.0/mlflow")
                .post(
                        ONE + "/assessments",
                        WRITE,
                        (request, caller) -> one(traces.assess(
                                caller.project(),
                                MlflowTraceJson.assessment(request.path("trace"), request.message("assessment")))))
                .get(
                        ASSESSMENT,
                        READ,
                        (request, caller) -> one(
                                traces.assessment(caller.project(), request.path("trace"), request.path("assessment"))))
                .patch(ASSESSMENT, WRITE, this::reassess)
                .delete(ASSESSMENT, WRITE, (request, caller) -> {
                    traces.removeAssessment(caller.project(), request.path("trace"), request.path("assessment"));
                    return Json.object();
                })
                .routes();
    }

    /** What clients before 3.0 call, and the two calls that later ones still make there. */
    private List<Route> older() {
        return new MlflowWireRoutes("/2.0/mlflow")
                .post(PATH, WRITE, this::start)
                .patch(ONE, WRITE, this::end)
                .get(ONE + "/info", READ, (request, caller) -> {
                    ObjectNode json = Json.object();
                    json.set("trace_info", MlflowTraceJson.older(traces.get(caller.project(), request.path("trace"))));
                    return json;
                })
                .get(PATH, READ, (request, caller) -> {
                    requireThere(request, "experiment_ids");
                    return MlflowTrackingJson.page(
                            "traces",
                            searched(caller, request.texts("experiment_ids"), request),
                            MlflowTraceJson::older);
                })
                .post(PATH + "/delete-traces", WRITE, this::delete)
                .patch(ONE + "/tags", WRITE, this::putTag)
                .delete(ONE + "/tags", WRITE, this::removeTag)
                .post(PATH + "/link-to-run", WRITE, (request, caller) -> {
                    requireThere(request, "trace_ids");
                    traces.link(caller.project(), request.texts("trace_ids"), new RunId(request.text("run_id")));
                    return Json.object();
                })
                .post(PATH + "/link-prompts", WRITE, this::linkPrompts)
                .routes();
    }

    private ObjectNode linkPrompts(MlflowRequest request, Caller caller) {
        requireThere(request, "prompt_versions");
        var used = new LinkedHashSet<ObjectNode>();
        for (MlflowRequest prompt : request.messages("prompt_versions")) {
            used.add(Json.object().put("name", prompt.text("name")).put("version", prompt.text("version")));
        }
        String trace = request.text("trace_id");
        if (!used.isEmpty()) {
            traces.linkPrompts(caller.project(), trace, known -> MlflowTraceJson.withPrompts(known, used));
        }
        return Json.object();
    }

    /** A list that may be empty, but has to be told. */
    private static void requireThere(MlflowRequest request, String field) {
        if (request.node(field).isMissingNode() || request.node(field).isNull()) {
            throw MlflowRequest.missing(field);
        }
    }

    /** Of the experiments that the request names, or of all if it names none. */
    private static Predicate<Trace> asked(MlflowRequest request) {
        if (request.node("experiment_ids").isMissingNode()) {
            return trace -> true;
        }
        Set<String> experiments = Set.copyOf(request.texts("experiment_ids"));
        return trace -> experiments.contains(Long.toString(trace.experimentId()));
    }

    private static List<String> ids(MlflowRequest request) {
        List<String> ids = request.texts("trace_ids");
        if (ids.isEmpty()) {
            throw MlflowRequest.missing("trace_ids");
        }
        if (ids.size() > MOST_IDS) {
            throw TidemillException.invalid(
                    "trace_ids", "trace_ids must hold 1 to " + MOST_IDS + " ids, it holds " + ids.size());
        }
        return ids;
    }

    /** Only traces whose spans are kept here: clients fetch others from where their artifacts are. */
    private Streamed batch(MlflowRequest request, Caller caller) {
        Predicate<Trace> asked = asked(request);
        var found = traces.getAllWhole(caller.project(), ids(request))
                .filter(whole -> !whole.spans().isEmpty() && asked.test(whole.trace()))
                .map(MlflowTraceJson::withSpans);
        return out -> MlflowTrackingJson.writeAll(out, "traces", found);
    }

    private ObjectNode search(MlflowRequest request, Caller caller) {
        requireThere(request, "locations");
        List<String> experiments = request.messages("locations").stream()
                .map(location -> location.message("mlflow_experiment").text("experiment_id"))
                .toList();
        return MlflowTrackingJson.page("traces", searched(caller, experiments, request), MlflowTraceJson::info);
    }

    private Page<Trace> searched(Caller caller, List<String> experiments, MlflowRequest request) {
        return traces.search(
                caller.project(),
                experiments,
                request.anyText("filter"),
                request.texts("order_by"),
                request.optionalText("page_token"),
                Limits.pageSize(request.optionalWhole("max_results", MOST).orElse(100L), MOST));
    }

    private ObjectNode delete(MlflowRequest request, Caller caller) {
        String experiment = request.text("experiment_id");
        Optional<Long> before = request.optionalWhole("max_timestamp_millis");
        Optional<Long> most = request.optionalWhole("max_traces");
        List<String> ids = request.texts("request_ids");
        if (before.isEmpty() && ids.isEmpty()) {
            throw TidemillException.invalid(
                    "max_timestamp_millis", "Either `max_timestamp_millis` or `trace_ids` must be specified.");
        }
        if (before.isPresent() && !ids.isEmpty()) {
            throw TidemillException.invalid(
                    "max_timestamp_millis", "Only one of `max_timestamp_millis` and `trace_ids` can be specified.");
        }
        if (most.isPresent() && !ids.isEmpty()) {
            throw TidemillException.invalid(
                    "max_traces", "`max_traces` can't be specified if `trace_ids` is specified.");
        }
        if (most.isPresent() && most.get() <= 0) {
            throw TidemillException.invalid(
                    "max_traces", "`max_traces` must be a positive integer, received " + most.get() + ".");
        }
        long deleted = before.isPresent()
                ? traces.deleteOlder(
                        caller.project(),
                        experiment,
                        Instant.ofEpochMilli(before.get()),
                        most.map(Math::toIntExact).orElse(0))
                : traces.delete(caller.project(), experiment, ids);
        return Json.object().put("traces_deleted", deleted);
    }

    private ObjectNode putTag(MlflowRequest request, Caller caller) {
        requireMutable(request.text("key"), "set");
        traces.putTags(caller.project(), request.path("trace"), Map.of(request.text("key"), request.anyText("value")));
        return Json.object();
    }

    /** Where a trace's spans are is not for users to say. */
    private static void requireMutable(String tag, String done) {
        if (tag.equals(Trace.SPANS_TAG)) {
            throw TidemillException.invalid(
                    "key", "Tag '" + tag + "' is immutable and cannot be " + done + " on a trace.");
        }
    }

    private ObjectNode removeTag(MlflowRequest request, Caller caller) {
        requireMutable(request.text("key"), "deleted");
        traces.removeTag(caller.project(), request.path("trace"), request.text("key"));
        return Json.object();
    }

    /** Normalized pointwise mutual information of two filters: -1 never together, 0 by chance, 1 always together. */
    private ObjectNode correlation(MlflowRequest request, Caller caller) {
        Traces.Together counts = traces.together(
                caller.project(),
                request.texts("experiment_ids"),
                request.text("filter_string1"),
                request.text("filter_string2"),
                request.anyText("base_filter"));
        ObjectNode json = Json.object();
        double plain = mutual(counts, 0);
        if (!Double.isNaN(plain)) {
            json.put("npmi", plain);
        }
        json.put("npmi_smoothed", mutual(counts, 0.5));
        return json.put("filter1_count", counts.first())
                .put("filter2_count", counts.second())
                .put("joint_count", counts.both())
                .put("total_count", counts.all());
    }

    private static double mutual(Traces.Together counts, double smoothing) {
        double all = counts.all() + 4 * smoothing;
        double both = counts.both() + smoothing;
        double first = counts.first() + 2 * smoothing;
        double second = counts.second() + 2 * smoothing;
        if (all == 0 || first == 0 || second == 0) {
            return Double.NaN;
        }
        if (both == 0) {
            return -1;
        }
        return both == all ? 1 : Math.clamp(Math.log(both * all / (first * second)) / -Math.log(both / all), -1, 1);
    }

    private static ObjectNode one(Assessment assessment) {
        ObjectNode json = Json.object();
        json.set("assessment", MlflowTraceJson.assessment(assessment));
        return json;
    }

    private ObjectNode reassess(MlflowRequest request, Caller caller) {
        MlflowRequest told = request.message("assessment");
        // Which fields change is said by the mask; protobuf's JSON writes it as one text, names in camel case.
        String mask = request.node("update_mask")
                .asText("")
                .replaceAll("([A-Z])", "_$1")
                .toLowerCase(java.util.Locale.ROOT);
        if (mask.isBlank()) {
            throw MlflowRequest.missing("update_mask");
        }
        List<String> fields = List.of(mask.split(","));
        var change = new Assessment.Change(
                fields.contains("assessment_name") ? told.optionalText("assessment_name") : Optional.empty(),
                fields.contains("feedback") || fields.contains("expectation")
                        ? MlflowTraceJson.judgement(told)
                        : Optional.empty(),
                fields.contains("rationale") ? Optional.of(told.anyText("rationale")) : Optional.empty(),
                fields.contains("metadata") ? MlflowTraceJson.texts(told.node("metadata")) : Map.of());
        return one(traces.reassess(caller.project(), request.path("trace"), request.path("assessment"), change));
    }

    private ObjectNode start(MlflowRequest request, Caller caller) {
        String experiment = request.text("experiment_id");
        Trace made = traces.putPart(
                caller.project(),
                new Trace(
                        RunId.next().value(),
                        caller.project(),
                        MlflowTraceJson.whole("experiment_id", experiment),
                        Trace.State.IN_PROGRESS,
                        Instant.ofEpochMilli(request.whole("timestamp_ms")),
                        Optional.empty(),
                        Optional.empty(),
                        "",
                        "",
                        MlflowTrackingJson.texts(request.messages("tags"), false),
                        MlflowTrackingJson.texts(request.messages("request_metadata"), false),
                        List.of()));
        ObjectNode json = Json.object();
        json.set("trace_info", MlflowTraceJson.older(made));
        return json;
    }

    private ObjectNode end(MlflowRequest request, Caller caller) {
        Trace there = traces.get(caller.project(), request.path("trace"));
        Trace ended = traces.putPart(
                caller.project(),
                new Trace(
                        there.id(),
                        there.project(),
                        there.experimentId(),
                        MlflowTraceJson.state(request.optionalText("status")),
                        there.requestedAt(),
                        Optional.of(request.whole("timestamp_ms")
                                - there.requestedAt().toEpochMilli()),
                        there.clientRequestId(),
                        there.requestPreview(),
                        there.responsePreview(),
                        MlflowTrackingJson.texts(request.messages("tags"), false),
                        MlflowTrackingJson.texts(request.messages("request_metadata"), false),
                        List.of()));
        ObjectNode json = Json.object();
        json.set("trace_info", MlflowTraceJson.older(ended));
        return json;
    }
}
