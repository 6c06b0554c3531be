package dev.tidemill.platform.http;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Every route of the process. A method and path that is declared twice is a mistake found at start. */
public final class RouteManifest {
    private final List<Route> routes = new ArrayList<>();
    private final Set<String> signatures = new HashSet<>();

    public RouteManifest add(List<Route> more) {
        for (Route route : more) {
            if (!signatures.add(route.signature())) {
                throw new IllegalStateException("route declared twice: " + route.signature());
            }
            routes.add(route);
        }
        return this;
    }

    public List<Route> routes() {
        return List.copyOf(routes);
    }
}
