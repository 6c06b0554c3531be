package dev.tidemill.platform.definitions;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import java.util.List;
import java.util.Map;

/** Routes for definitions. */
public final class DefinitionRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/definitions";

    private final Definitions definitions;

    public DefinitionRoutes(Definitions definitions) {
        this.definitions = definitions;
    }

    public List<Route> routes() {
        return List.of(
                Route.get(
                        PATH,
                        Access.project(Resource.DEFINITION, Action.READ),
                        (context, caller) -> context.json(Map.of("definitions", definitions.list(caller.project())))),
                Route.post(PATH, Access.project(Resource.DEFINITION, Action.OPERATE), (context, caller) -> {
                            Body body = RequestBody.object(context);
                            var files = new ProjectFiles(body.texts("files"), body.texts("blobs"));
                            context.json(Map.of(
                                    "changes",
                                    definitions.apply(caller.project(), files, body.flag("dryRun"), caller.actor())));
                        })
                        .fields("files", "blobs", "dryRun"));
    }
}
