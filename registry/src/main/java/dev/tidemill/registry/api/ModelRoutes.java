package dev.tidemill.registry.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.Catalogued;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.Trust;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Routes for models. */
public final class ModelRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/models";
    private static final int MOST_OF_PAGE = 1_000;

    private final Models models;
    private final Aliases aliases;
    private final ModelTags tags;
    private final Trust trust;

    public ModelRoutes(Models models, Aliases aliases, ModelTags tags, Trust trust) {
        this.models = models;
        this.aliases = aliases;
        this.tags = tags;
        this.trust = trust;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.MODEL, Action.READ);
        var write = Access.project(Resource.MODEL, Action.WRITE);
        return List.of(
                Route.get(PATH, read, this::list).query("limit", "token"),
                Route.get(PATH + "/{model}", read, this::show),
                Route.post(PATH + "/{model}", write, this::describe).fields("description", "tags"),
                Route.get(
                        PATH + "/{model}/versions/{version}",
                        read,
                        (context, caller) -> context.json(VersionView.of(models.version(
                                caller.project(), context.pathParam("model"), Requests.positive(context, "version"))))),
                Route.post(
                                PATH + "/{model}/versions/{version}/trust",
                                Access.project(Resource.MODEL, Action.OPERATE),
                                this::trust)
                        .fields("network"),
                Route.delete(
                        PATH + "/{model}/versions/{version}/trust",
                        Access.project(Resource.MODEL, Action.OPERATE),
                        (context, caller) -> context.json(VersionView.of(trust.withdraw(
                                caller.project(),
                                context.pathParam("model"),
                                Requests.positive(context, "version"),
                                caller.actor())))),
                Route.put(PATH + "/{model}/aliases/{alias}", write, this::setAlias)
                        .fields("version"),
                Route.delete(PATH + "/{model}/aliases/{alias}", write, (context, caller) -> {
                    aliases.remove(
                            caller.project(), context.pathParam("model"), context.pathParam("alias"), caller.actor());
                    context.status(204);
                }));
    }

    /**
     * The catalog: each model with its newest version, so that one can be chosen without opening any. {@code next} is there where
     * others follow, and is the {@code token} that asks for them.
     */
    private void list(Context context, Caller caller) throws IOException {
        var page = models.catalog(
                caller.project(), Requests.text(context, "token"), Requests.limit(context, 100, MOST_OF_PAGE));
        ObjectNode json = Json.object();
        ArrayNode list = json.putArray("models");
        for (Catalogued catalogued : page.items()) {
            ObjectNode entry = (ObjectNode) Json.tree(catalogued.model());
            catalogued.newest().ifPresent(version -> entry.set("newest", Json.tree(VersionView.of(version))));
            list.add(entry);
        }
        page.next().ifPresent(token -> json.put("next", token));
        StreamedJson.write(context, json);
    }

    private void show(Context context, Caller caller) throws IOException {
        String name = context.pathParam("model");
        RegisteredModel model = models.model(caller.project(), name);
        ObjectNode json = Json.object().put("name", name).put("description", model.description());
        json.set("tags", Json.tree(model.tags()));
        json.set("aliases", Json.tree(model.aliases()));
        ArrayNode versions = json.putArray("versions");
        models.versions(caller.project(), name).forEach(version -> versions.add(Json.tree(VersionView.of(version))));
        StreamedJson.write(context, json);
    }

    private void trust(Context context, Caller caller) {
        boolean network = RequestBody.optionalObject(context).flag("network");
        context.json(VersionView.of(trust.give(
                caller.project(),
                context.pathParam("model"),
                Requests.positive(context, "version"),
                network,
                caller.actor())));
    }

    /** Changes what the catalog says of a model: its description, and tags such as task, owner and license. */
    private void describe(Context context, Caller caller) throws IOException {
        String name = context.pathParam("model");
        Body body = RequestBody.object(context);
        body.optionalText("description")
                .ifPresent(text -> models.updateModel(
                        caller.project(), name, Optional.empty(), Optional.of(text), caller.actor()));
        body.texts("tags").forEach((key, value) -> {
            if (value.isEmpty()) {
                tags.remove(caller.project(), name, key, caller.actor());
            } else {
                tags.put(caller.project(), name, key, value, caller.actor());
            }
        });
        show(context, caller);
    }

    /** {@code If-Match} names the version that the alias must point at now; {@code "0"} for none. */
    private void setAlias(Context context, Caller caller) {
        String name = context.pathParam("model");
        int version = RequestBody.object(context).positive("version");
        Optional<Integer> expected = Optional.ofNullable(context.header("If-Match"))
                .map(text -> text.replace("\"", "").strip())
                .filter(text -> !text.equals("*"))
                .map(text -> {
                    if (!text.matches("\\d{1,9}")) {
                        throw TidemillException.invalid("If-Match", "'" + text + "' is not a version number");
                    }
                    return Integer.parseInt(text);
                });
        aliases.set(caller.project(), name, context.pathParam("alias"), version, expected, caller.actor());
        context.header("ETag", "\"" + version + "\"")
                .json(Map.of("alias", context.pathParam("alias"), "version", version));
    }
}
