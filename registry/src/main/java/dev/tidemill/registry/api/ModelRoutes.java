package dev.tidemill.registry.api;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.RegisteredModel;
import java.util.List;
import java.util.Map;

/** Routes for models. */
public final class ModelRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/models";

    private final Models models;

    public ModelRoutes(Models models) {
        this.models = models;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.MODEL, Action.READ);
        return List.of(
                Route.get(
                        PATH, read, (context, caller) -> context.json(Map.of("models", models.list(caller.project())))),
                Route.get(PATH + "/{model}", read, (context, caller) -> {
                    String name = context.pathParam("model");
                    RegisteredModel model = models.model(caller.project(), name);
                    context.json(Map.of(
                            "name",
                            name,
                            "description",
                            model.description(),
                            "tags",
                            model.tags(),
                            "aliases",
                            model.aliases(),
                            "versions",
                            models.versions(caller.project(), name)));
                }),
                Route.get(
                        PATH + "/{model}/versions/{version}",
                        read,
                        (context, caller) -> context.json(models.version(
                                caller.project(), context.pathParam("model"), Requests.positive(context, "version")))));
    }
}
