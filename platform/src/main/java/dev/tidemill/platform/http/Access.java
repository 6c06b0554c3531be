package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import io.javalin.http.Context;
import java.util.function.Function;

/** Who may call a route. Every route declares it; the server refuses to start with one that does not. */
public sealed interface Access {
    /** Anybody, without credentials: health, the packaged UI, signing in. */
    record Open() implements Access {}

    /** Anybody who is authenticated; the route itself shows only what the caller may see. */
    record SignedIn() implements Access {}

    /** Administrators of the whole server. */
    record Server(Resource resource, Action action) implements Access {}

    /**
     * Members of a project whose role permits the action.
     *
     * @param project reads the project's name from the request
     */
    record Project(Resource resource, Action action, Function<Context, String> project) implements Access {}

    static Access open() {
        return new Open();
    }

    static Access signedIn() {
        return new SignedIn();
    }

    static Access server(Resource resource, Action action) {
        return new Server(resource, action);
    }

    /** For paths that hold {@code {project}}. */
    static Access project(Resource resource, Action action) {
        return new Project(resource, action, context -> context.pathParam("project"));
    }
}
