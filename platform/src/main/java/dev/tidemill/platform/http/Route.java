package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Principal;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;

/** One entry of the route manifest. */
public record Route(
        HandlerType method, String path, Access access, ProjectSource project, Endpoint endpoint, ErrorStyle errors) {
    /** Tells which project a request is about. */
    @FunctionalInterface
    public interface ProjectSource {
        String of(Context context, Principal principal);

        /** For paths that hold {@code {project}}. */
        ProjectSource PATH = (context, principal) -> context.pathParam("project");

        /** For paths that name no project: the token's own, else what {@code X-MLFLOW-WORKSPACE} names, else {@code default}. */
        ProjectSource HEADER = (context, principal) -> {
            String workspace = context.header("X-MLFLOW-WORKSPACE");
            return principal.onlyProject().orElse(workspace == null || workspace.isBlank() ? "default" : workspace);
        };
    }

    /** Answers one request of an authorised caller. */
    @FunctionalInterface
    public interface Endpoint {
        void handle(Context context, Caller caller) throws Exception;
    }

    public static Route get(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.GET, path, access, ProjectSource.PATH, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route post(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.POST, path, access, ProjectSource.PATH, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route put(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.PUT, path, access, ProjectSource.PATH, endpoint, ErrorStyle.PROBLEM);
    }

    public static Route delete(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.DELETE, path, access, ProjectSource.PATH, endpoint, ErrorStyle.PROBLEM);
    }

    public Route errors(ErrorStyle style) {
        return new Route(method, path, access, project, endpoint, style);
    }

    /** The same route, its project told by something else than the path. */
    public Route project(ProjectSource source) {
        return new Route(method, path, access, source, endpoint, errors);
    }

    /** Method and path template, such as {@code GET /health}. */
    public String signature() {
        return method.name() + " " + path;
    }
}
