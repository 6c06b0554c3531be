package dev.tidemill.app;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Route;
import java.util.List;

/** Routes of a server that was started with {@code --testing}. */
final class TestingRoutes {
    private final Reset reset;

    TestingRoutes(Reset reset) {
        this.reset = reset;
    }

    List<Route> routes() {
        return List.of(Route.post(
                "/api/tidemill/v1/testing/reset",
                Access.server(Resource.SERVER, Action.ADMINISTER),
                (context, caller) -> {
                    reset.run();
                    context.status(204);
                }));
    }
}
