package dev.tidemill.platform.http;

import dev.tidemill.platform.grpc.GrpcMethod;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Every route of the process, HTTP or gRPC. A method and path that is declared twice is a mistake found at start. */
public final class RouteManifest {
    private final List<Route> routes = new ArrayList<>();
    private final List<GrpcMethod<?, ?>> methods = new ArrayList<>();
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

    public RouteManifest addMethods(List<GrpcMethod<?, ?>> more) {
        for (GrpcMethod<?, ?> method : more) {
            if (!signatures.add(method.signature())) {
                throw new IllegalStateException("method declared twice: " + method.signature());
            }
            methods.add(method);
        }
        return this;
    }

    /** What is served over gRPC. */
    public List<GrpcMethod<?, ?>> methods() {
        return List.copyOf(methods);
    }

    /** What is served over HTTP. */
    public List<Route> routes() {
        return List.copyOf(routes);
    }
}
