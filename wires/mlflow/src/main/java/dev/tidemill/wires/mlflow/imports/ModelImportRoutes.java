package dev.tidemill.wires.mlflow.imports;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Route;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import io.javalin.http.Context;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Takes in what another MLflow registry knew, in the messages in which it tells it. */
public final class ModelImportRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/import";

    private final Models models;
    private final Registrations registrations;

    public ModelImportRoutes(Models models, Registrations registrations) {
        this.registrations = registrations;
        this.models = models;
    }

    public List<Route> routes() {
        var access = Access.project(Resource.MODEL, Action.WRITE);
        return List.of(
                Route.post(PATH + "/models", access, this::model).anyBody(),
                Route.post(PATH + "/versions", access, this::version).anyBody());
    }

    private static Map<String, String> tags(MlflowRequest told, List<String> left) {
        var tags = new HashMap<String, String>();
        told.messages("tags").forEach(tag -> tags.put(tag.text("key"), tag.anyText("value")));
        return ModelTags.settable(tags, left);
    }

    private static Instant time(MlflowRequest told, String field) {
        return Instant.ofEpochMilli(told.optionalWhole(field).orElse(0L));
    }

    private void model(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        var left = new ArrayList<String>();
        models.take(
                caller.project(),
                new Models.TakenModel(
                        told.text("name"),
                        told.anyText("description"),
                        time(told, "creation_timestamp"),
                        time(told, "last_updated_timestamp"),
                        tags(told, left)));
        context.json(Map.of("left", left));
    }

    /** {@code location} says where the version's files are here; the source is a place of the other registry, whatever is there here. */
    private void version(Context context, Caller caller) {
        MlflowRequest told = MlflowRequest.of(context);
        var left = new ArrayList<String>();
        Registrations.Taking taken = registrations.take(
                caller.project(),
                new Registrations.TakenVersion(
                        told.text("name"),
                        (int) told.whole("version"),
                        ModelVersion.Stage.ofLabel(
                                        told.optionalText("current_stage").orElse("None"))
                                .orElse(ModelVersion.Stage.NONE),
                        new Registrations.Claim(
                                told.anyText("source"),
                                told.optionalText("location").orElse(""),
                                told.optionalText("run_id"),
                                told.anyText("run_link"),
                                told.optionalText("model_id"),
                                List.of(),
                                told.anyText("description"),
                                tags(told, left)),
                        time(told, "creation_timestamp"),
                        time(told, "last_updated_timestamp")),
                caller.actor());
        context.json(Map.of("fresh", taken.fresh(), "files", taken.files(), "left", left));
    }
}
