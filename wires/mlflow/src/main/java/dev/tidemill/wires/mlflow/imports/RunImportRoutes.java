package dev.tidemill.wires.mlflow.imports;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.Imports;
import dev.tidemill.tracking.domain.Imports.TakenExperiment;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.traces.MlflowTraceJson;
import dev.tidemill.wires.mlflow.tracking.MlflowTrackingJson;
import dev.tidemill.wires.mlflow.tracking.RunInputs;
import dev.tidemill.wires.otlp.OtlpSpans;
import io.javalin.http.Context;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Takes in what another MLflow server knew, in the messages in which it tells it. */
public final class RunImportRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/import";

    private final Imports imports;

    public RunImportRoutes(Imports imports) {
        this.imports = imports;
    }

    public List<Route> routes() {
        var access = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return List.of(
                Route.post(PATH + "/experiments", access, this::experiment).anyBody(),
                Route.post(PATH + "/runs", access, this::run).anyBody(),
                Route.post(PATH + "/points", access, this::points).anyBody(),
                Route.post(PATH + "/traces", access, this::trace).anyBody(),
                Route.post(PATH + "/logged-models", access, this::loggedModel).anyBody());
    }

    private static Instant time(MlflowRequest message, String field) {
        return Instant.ofEpochMilli(message.optionalWhole(field).orElse(0L));
    }

    private void experiment(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        Imports.Placed made = imports.experiment(
                caller.project(),
                new TakenExperiment(
                        MlflowTraceJson.whole("experiment_id", told.text("experiment_id")),
                        told.text("name"),
                        told.anyText("lifecycle_stage").equals("deleted"),
                        time(told, "creation_time"),
                        time(told, "last_update_time"),
                        MlflowTrackingJson.texts(told.messages("tags"), false)),
                caller.actor());
        context.json(Map.of(
                "id",
                made.experiment().reference(),
                "artifactLocation",
                made.experiment().artifactLocation(),
                "left",
                made.left()));
    }

    private void run(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        MlflowRequest info = told.message("info");
        MlflowRequest data = optional(told, "data");
        String id = info.text("run_id");
        if (!id.matches("[a-zA-Z0-9][\\w-]{0,63}")) {
            throw TidemillException.invalid("run_id", "'" + id + "' is not a run's id");
        }
        var left = new ArrayList<String>();
        Run run = new Run(
                new RunId(id),
                caller.project(),
                MlflowTraceJson.whole("experiment_id", info.text("experiment_id")),
                info.optionalText("run_name").orElse(id),
                Optional.empty(),
                info.anyText("user_id"),
                status(info.optionalText("status").orElse("FINISHED")),
                info.anyText("lifecycle_stage").equals("deleted"),
                time(info, "start_time"),
                info.optionalWhole("end_time").filter(end -> end > 0).map(Instant::ofEpochMilli),
                "",
                Optional.empty(),
                MlflowTrackingJson.texts(data.messages("params"), false),
                Map.of(),
                MlflowTrackingJson.texts(data.messages("tags"), false),
                RunInputs.takenDataSets(optional(told, "inputs"), "dataset_inputs", left),
                links(told, left));
        Imports.Taken taken = imports.run(caller.project(), run, caller.actor());
        left.addAll(taken.left());
        context.json(new Imports.Taken(taken.fresh(), left));
    }

    private static MlflowRequest optional(MlflowRequest message, String field) {
        return message.node(field).isObject() ? message.message(field) : MlflowRequest.of(Json.object());
    }

    private static Run.Status status(String text) {
        try {
            return Run.Status.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("status", "'" + text + "' is not a run's status");
        }
    }

    private static List<ModelLink> links(MlflowRequest told, List<String> left) {
        var list = new ArrayList<>(RunInputs.takenModels(optional(told, "inputs"), "model_inputs", false, left));
        list.addAll(RunInputs.takenModels(optional(told, "outputs"), "model_outputs", true, left));
        return list;
    }

    private void points(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        List<MetricPoint> points =
                told.messages("metrics").stream().map(MlflowTrackingJson::point).toList();
        List<String> left = imports.points(caller.project(), new RunId(told.text("run_id")), points);
        context.json(Map.of("points", points.size(), "left", left));
    }

    private void trace(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        MlflowRequest info = told.message("trace_info");
        Trace trace = MlflowTraceJson.read(caller.project(), info);
        List<MlflowRequest> said = info.messages("assessments");
        var assessments = new ArrayList<Assessment>();
        for (int i = 0; i < said.size(); i++) {
            assessments.add(trace.assessments()
                    .get(i)
                    .asValid(said.get(i).optionalFlag("valid").orElse(true)));
        }
        context.json(imports.trace(
                caller.project(),
                trace.with(trace.tags(), trace.metadata(), assessments),
                OtlpSpans.kept(told.node("spans"))));
    }

    private void loggedModel(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        MlflowRequest info = told.message("info");
        MlflowRequest data = optional(told, "data");
        String id = info.text("model_id");
        if (!id.matches("m-[\\w-]{1,60}")) {
            throw TidemillException.invalid("model_id", "'" + id + "' is not a logged model's id");
        }
        var metrics = new ArrayList<LoggedModel.Measured>();
        for (MlflowRequest metric : data.messages("metrics")) {
            metrics.add(new LoggedModel.Measured(
                    MlflowTrackingJson.point(metric),
                    metric.anyText("run_id"),
                    metric.optionalText("dataset_name"),
                    metric.optionalText("dataset_digest")));
        }
        context.json(imports.loggedModel(
                caller.project(),
                new LoggedModel(
                        id,
                        caller.project(),
                        MlflowTraceJson.whole("experiment_id", info.text("experiment_id")),
                        info.optionalText("name").orElse(id),
                        info.anyText("model_type"),
                        modelStatus(info.optionalText("status").orElse("LOGGED_MODEL_READY")),
                        info.anyText("status_message"),
                        info.anyText("source_run_id"),
                        "",
                        false,
                        time(info, "creation_timestamp_ms"),
                        time(info, "last_updated_timestamp_ms"),
                        MlflowTrackingJson.texts(data.messages("params"), false),
                        MlflowTrackingJson.texts(info.messages("tags"), false),
                        metrics)));
    }

    private static LoggedModel.Status modelStatus(String text) {
        try {
            return LoggedModel.Status.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("status", "'" + text + "' is not a logged model's status");
        }
    }
}
