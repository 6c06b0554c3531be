package dev.tidemill.wires.mlflow.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** MLflow's routes for registered models, versions and aliases. */
public final class MlflowRegistryRoutes {
    private static final String MODELS = "/registered-models";
    private static final String VERSIONS = "/model-versions";
    private static final int MOST_MODELS = 1000;
    private static final int MOST_VERSIONS = 200_000;

    private final Models models;
    private final Aliases aliases;
    private final ModelTags tags;
    private final Registrations registrations;
    private final MlflowModelSources sources;

    public MlflowRegistryRoutes(
            Models models,
            Aliases aliases,
            ModelTags tags,
            Registrations registrations,
            LoggedModels logged,
            Tracking tracking) {
        this.models = models;
        this.aliases = aliases;
        this.tags = tags;
        this.registrations = registrations;
        this.sources = new MlflowModelSources(models, aliases, logged, tracking);
    }

    public List<Route> routes() {
        var read = Access.project(Resource.MODEL, Action.READ);
        var write = Access.project(Resource.MODEL, Action.WRITE);
        return new MlflowWireRoutes("/2.0/mlflow")
                .post(MODELS + "/create", write, this::createModel)
                .post(
                        MODELS + "/rename",
                        write,
                        (request, caller) -> one(models.updateModel(
                                caller.project(),
                                request.text("name"),
                                Optional.of(request.text("new_name")),
                                Optional.empty(),
                                caller.actor())))
                .patch(
                        MODELS + "/update",
                        write,
                        (request, caller) -> one(models.updateModel(
                                caller.project(),
                                request.text("name"),
                                Optional.empty(),
                                Optional.of(request.anyText("description")),
                                caller.actor())))
                .delete(MODELS + "/delete", write, (request, caller) -> {
                    models.deleteModel(caller.project(), request.text("name"), caller.actor());
                    return Json.object();
                })
                .get(
                        MODELS + "/get",
                        read,
                        (request, caller) -> one(models.model(caller.project(), request.text("name"))))
                .get(MODELS + "/search", read, this::searchModels)
                .get(MODELS + "/get-latest-versions", read, this::latest)
                .post(MODELS + "/get-latest-versions", read, this::latest)
                .post(MODELS + "/set-tag", write, (request, caller) -> {
                    tags.put(
                            caller.project(),
                            request.text("name"),
                            request.text("key"),
                            value(request),
                            caller.actor());
                    return Json.object();
                })
                .delete(MODELS + "/delete-tag", write, (request, caller) -> {
                    tags.remove(caller.project(), request.text("name"), request.text("key"), caller.actor());
                    return Json.object();
                })
                .post(MODELS + "/alias", write, (request, caller) -> {
                    aliases.set(
                            caller.project(),
                            request.text("name"),
                            request.text("alias"),
                            number(request),
                            caller.actor());
                    return Json.object();
                })
                .delete(MODELS + "/alias", write, (request, caller) -> {
                    String name =
                            models.model(caller.project(), request.text("name")).name();
                    aliases.remove(caller.project(), name, request.text("alias"), caller.actor());
                    return Json.object();
                })
                .get(
                        MODELS + "/alias",
                        read,
                        (request, caller) ->
                                one(aliases.version(caller.project(), request.text("name"), request.text("alias"))))
                .post(VERSIONS + "/create", write, this::createVersion)
                .patch(
                        VERSIONS + "/update",
                        write,
                        (request, caller) -> one(models.describe(
                                caller.project(),
                                request.text("name"),
                                number(request),
                                request.anyText("description"),
                                caller.actor())))
                .post(
                        VERSIONS + "/transition-stage",
                        write,
                        (request, caller) -> one(models.moveToStage(
                                caller.project(),
                                request.text("name"),
                                number(request),
                                request.text("stage"),
                                request.optionalFlag("archive_existing_versions")
                                        .orElse(false),
                                caller.actor())))
                .delete(VERSIONS + "/delete", write, (request, caller) -> {
                    models.deleteVersion(caller.project(), request.text("name"), number(request), caller.actor());
                    return Json.object();
                })
                .get(
                        VERSIONS + "/get",
                        read,
                        (request, caller) ->
                                one(models.version(caller.project(), request.text("name"), number(request))))
                .get(VERSIONS + "/search", read, this::searchVersions)
                .get(VERSIONS + "/get-download-uri", read, this::downloadUri)
                .post(VERSIONS + "/set-tag", write, (request, caller) -> {
                    tags.put(
                            caller.project(),
                            request.text("name"),
                            number(request),
                            request.text("key"),
                            value(request),
                            caller.actor());
                    return Json.object();
                })
                .delete(VERSIONS + "/delete-tag", write, (request, caller) -> {
                    tags.remove(
                            caller.project(),
                            request.text("name"),
                            number(request),
                            request.text("key"),
                            caller.actor());
                    return Json.object();
                })
                .routes();
    }

    private static String value(MlflowRequest request) {
        return request.anyText("value");
    }

    private static int number(MlflowRequest request) {
        return number(request.text("name"), request.text("version"));
    }

    private static int number(String model, String version) {
        if (!version.matches("[+-]?[0-9]+")) {
            throw TidemillException.invalid(
                    "version", "Parameter 'version' must be an integer, got '" + version + "'.");
        }
        if (!version.matches("[+]?[0-9]{1,9}")) {
            throw Models.noVersion(model, version);
        }
        return Integer.parseInt(version);
    }

    private ObjectNode one(RegisteredModel model) {
        ObjectNode json = Json.object();
        json.set("registered_model", MlflowRegistryJson.model(model, latestOf(model, List.of())));
        return json;
    }

    private ObjectNode one(ModelVersion version) {
        ObjectNode json = Json.object();
        json.set("model_version", MlflowRegistryJson.version(version, aliases.of(version.project(), version.model())));
        return json;
    }

    /** The newest version of each stage asked for, or of every stage. */
    private List<ModelVersion> latestOf(RegisteredModel model, List<String> stages) {
        return models.newestOfStages(model.project(), model.name()).stream()
                .sorted(Comparator.comparing(ModelVersion::stage))
                .filter(version -> stages.isEmpty()
                        || stages.stream()
                                .anyMatch(stage -> version.stage().label().equalsIgnoreCase(stage)))
                .toList();
    }

    private static Map<String, String> tags(MlflowRequest request) {
        var tags = new LinkedHashMap<String, String>();
        request.messages("tags").forEach(tag -> tags.put(tag.anyText("key"), value(tag)));
        return tags;
    }

    private ObjectNode createModel(MlflowRequest request, Caller caller) {
        return one(models.createModel(
                caller.project(),
                request.text("name"),
                request.optionalText("description").orElse(""),
                tags(request),
                caller.actor()));
    }

    /** A page of nothing is one, as MLflow has it. */
    private ObjectNode searchModels(MlflowRequest request, Caller caller) {
        long size = request.optionalWhole("max_results", MOST_MODELS).orElse(100L);
        if (size < 1) {
            return Json.object();
        }
        var page = models.searchModels(
                caller.project(),
                request.optionalText("filter").orElse(""),
                request.texts("order_by"),
                request.optionalText("page_token"),
                (int) size);
        ObjectNode json = Json.object();
        if (!page.items().isEmpty()) {
            ArrayNode list = json.putArray("registered_models");
            page.items().forEach(model -> list.add(MlflowRegistryJson.model(model, latestOf(model, List.of()))));
        }
        page.next().ifPresent(token -> json.put("next_page_token", token));
        return json;
    }

    private ObjectNode latest(MlflowRequest request, Caller caller) {
        RegisteredModel model = models.model(caller.project(), request.text("name"));
        List<String> stages = request.texts("stages");
        for (String stage : stages) {
            if (ModelVersion.Stage.ofLabel(stage).isEmpty()) {
                throw TidemillException.invalid(
                        "stages",
                        "Invalid Model Version stage: " + stage
                                + ". Value must be one of None, Staging, Production, Archived.");
            }
        }
        ObjectNode json = Json.object();
        List<ModelVersion> latest = latestOf(model, stages);
        if (!latest.isEmpty()) {
            ArrayNode list = json.putArray("model_versions");
            latest.forEach(version -> list.add(MlflowRegistryJson.version(version, model.aliases())));
        }
        return json;
    }

    private ObjectNode searchVersions(MlflowRequest request, Caller caller) {
        long size = request.optionalWhole("max_results", MOST_VERSIONS).orElse(10_000L);
        if (size < 1) {
            throw TidemillException.invalid(
                    "max_results", "Invalid value for max_results. It must be a positive integer, but got " + size);
        }
        var page = models.searchVersions(
                caller.project(),
                request.optionalText("filter").orElse(""),
                request.texts("order_by"),
                request.optionalText("page_token"),
                (int) size);
        ObjectNode json = Json.object();
        if (!page.items().isEmpty()) {
            ArrayNode list = json.putArray("model_versions");
            page.items().forEach(version -> list.add(MlflowRegistryJson.version(version, Map.of())));
        }
        page.next().ifPresent(token -> json.put("next_page_token", token));
        return json;
    }

    private ObjectNode createVersion(MlflowRequest request, Caller caller) {
        Map<String, String> tags = tags(request);
        ModelVersion made = registrations.create(
                caller.project(),
                request.text("name"),
                sources.claim(
                        caller.project(),
                        new MlflowModelSources.Told(
                                request.text("source"),
                                request.optionalText("run_id"),
                                request.optionalText("model_id"),
                                request.anyText("run_link"),
                                request.anyText("description"),
                                tags)),
                caller.actor());
        sources.mark(made);
        return one(made);
    }

    private ObjectNode downloadUri(MlflowRequest request, Caller caller) {
        String name = request.optionalText("name")
                .orElseThrow(() -> TidemillException.invalid("name", "Missing value for required parameter 'name'."));
        ModelVersion version = models.version(caller.project(), name, number(name, request.anyText("version")));
        return Json.object().put("artifact_uri", sources.location(version));
    }
}
