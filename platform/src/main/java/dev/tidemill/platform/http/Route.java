package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Caller;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;

/** One entry of the route manifest. */
public record Route(HandlerType method, String path, Access access, Endpoint endpoint, ErrorStyle errors) {
    /** Answers one request of an authorised caller. */
    @FunctionalInterface
    public interface Endpoint {
        void handle(Context context, Caller caller) throws Exception;
    }

    public static Route get(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.GET, path, access, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route post(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.POST, path, access, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route put(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.PUT, path, access, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route delete(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.DELETE, path, access, endpoint, ErrorStyle.PROBLEM);
    }

    public Route errors(ErrorStyle style) {
        return new Route(method, path, access, endpoint, style);
    }

    /** Method and path template, such as {@code GET /health}. */
    public String signature() {
        return method.name() + " " + path;
    }
}
