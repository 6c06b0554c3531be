package dev.tidemill.tracking.api;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import dev.tidemill.tracking.domain.SavedView;
import dev.tidemill.tracking.domain.SavedViewStore;
import io.javalin.http.Context;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** Screens' addresses under names. */
public final class SavedViewRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/views";

    private final SavedViewStore views;
    private final Clock clock;

    public SavedViewRoutes(SavedViewStore views, Clock clock) {
        this.views = views;
        this.clock = clock;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return List.of(
                Route.get(PATH, read, (context, caller) -> context.json(Map.of("views", views.list(caller.project())))),
                Route.post(PATH, write, this::put).fields("name", "address"),
                Route.delete(PATH + "/{view}", write, (context, caller) -> {
                    if (!views.delete(caller.project(), context.pathParam("view"))) {
                        throw TidemillException.notFound("view", context.pathParam("view"));
                    }
                    context.status(204);
                }));
    }

    private void put(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        String name = body.text("name").strip();
        String address = body.text("address");
        if (name.isEmpty() || name.length() > 100) {
            throw TidemillException.invalid("name", "A view's name has 1 to 100 characters, not " + name.length());
        }
        // Only an address below the project's own screens: a stored link must not lead away from here.
        if (!address.startsWith("/") || address.startsWith("//") || address.contains("\\") || address.length() > 8000) {
            throw TidemillException.invalid(
                    "address", "A view's address is a path of at most 8,000 characters that begins with one slash");
        }
        var view = new SavedView(name, address, caller.actor(), clock.instant());
        views.put(caller.project(), view);
        context.status(201).json(view);
    }
}
