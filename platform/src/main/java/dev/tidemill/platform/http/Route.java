package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Principal;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;

/**
 * One entry of the route manifest.
 *
 * @param body how the bodies of its requests are read
 * @param lane whose threads answer it
 * @param inputs what its requests may say beside the path; nothing else is taken on routes of our own API
 */
public record Route(
        HandlerType method,
        String path,
        Access access,
        ProjectSource project,
        Endpoint endpoint,
        ErrorStyle errors,
        BodyRule body,
        Lane lane,
        Inputs inputs) {
    /** A name, a password, a few fields. */
    public static final long SMALL_BODY = 4 * 1024;

    /** What a request without a body's meaning may send all the same, as some clients do. */
    private static final long IGNORED_BODY = 64 * 1024;

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

    /** Finds the file that one request of an authorised caller asks for. */
    @FunctionalInterface
    public interface FileSource {
        /** @throws dev.tidemill.platform.errors.TidemillException if it is not there, or not for this caller */
        SentFile find(Context context, Caller caller) throws Exception;
    }

    private record FileEndpoint(FileSource source) implements Endpoint {
        @Override
        public void handle(Context context, Caller caller) throws Exception {
            source.find(context, caller).send(context);
        }
    }

    /** A route whose bodies are read whole, up to the server's limit; up to 64 KB where the method gives them no meaning. */
    public Route(
            HandlerType method,
            String path,
            Access access,
            ProjectSource project,
            Endpoint endpoint,
            ErrorStyle errors) {
        this(
                method,
                path,
                access,
                project,
                endpoint,
                errors,
                BodyRule.whole(usual(method)),
                Lane.REQUESTS,
                Inputs.usual(path));
    }

    private static long usual(HandlerType method) {
        return method == HandlerType.GET || method == HandlerType.DELETE ? IGNORED_BODY : Long.MAX_VALUE;
    }

    public static Route get(String path, Access access, Endpoint endpoint) {
        return new Route(HandlerType.GET, path, access, ProjectSource.PATH, endpoint, ErrorStyle.PROBLEM);
    }

    /** A route that answers with files; there is no other way to send one. */
    public static Route file(String path, Access access, FileSource source) {
        return get(path, access, new FileEndpoint(source)).transfersFiles();
    }

    /** Whether it answers with files. */
    public boolean sendsFiles() {
        return endpoint instanceof FileEndpoint;
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
        return new Route(method, path, access, project, endpoint, style, body, lane, inputs);
    }

    /** The same route, its project told by something else than the path. */
    public Route project(ProjectSource source) {
        return new Route(method, path, access, source, endpoint, errors, body, lane, inputs);
    }

    /** The same route, which needs no more of a body than so many bytes. */
    public Route bodyUpTo(long bytes) {
        return body(BodyRule.whole(bytes));
    }

    /** The same route, whose bodies are read in another way. */
    public Route body(BodyRule rule) {
        return new Route(method, path, access, project, endpoint, errors, rule, lane, inputs);
    }

    /** The same route, on other threads. */
    public Route lane(Lane other) {
        return new Route(method, path, access, project, endpoint, errors, body, other, inputs);
    }

    /** The same route, whose requests are files that pass through as they come. */
    public Route transfersFiles() {
        boolean sends = method == HandlerType.GET;
        return sends
                ? lane(Lane.TRANSFERS)
                : lane(Lane.TRANSFERS).body(BodyRule.streamed()).anyBody();
    }

    /** The same route, whose query has these parameters and no others. */
    public Route query(String... parameters) {
        return inputs(inputs.withQuery(parameters));
    }

    /** The same route, whose body is a JSON object with these fields and no others. */
    public Route fields(String... names) {
        return inputs(inputs.withFields(names));
    }

    /** The same route, whose bodies have a form of their own: files, or messages of another protocol. */
    public Route anyBody() {
        return inputs(inputs.withAnyBody());
    }

    private Route inputs(Inputs other) {
        return new Route(method, path, access, project, endpoint, errors, body, lane, other);
    }

    /** Method and path template, such as {@code GET /health}. */
    public String signature() {
        return method.name() + " " + path;
    }
}
