package dev.tidemill.wires.mlflow.messages;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.http.AnswerBody;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Json;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects the routes of an MLflow service. Each is served below {@code /api} for clients and below {@code /ajax-api} for
 * pages. The project is the token's, else the one that {@code X-MLFLOW-WORKSPACE} names, else {@code default}.
 */
public final class MlflowWireRoutes {
    /** Answers one request; the answer's fields that are unset are left out. */
    @FunctionalInterface
    public interface Endpoint {
        ObjectNode answer(MlflowRequest request, Caller caller);
    }

    /**
     * Answers one request with JSON that is written while it is sent, so that a large answer is never in memory as a whole. What
     * refuses the request is thrown before the first byte is written.
     */
    @FunctionalInterface
    public interface StreamingEndpoint {
        Streamed answer(MlflowRequest request, Caller caller) throws IOException;
    }

    /** An answer that waits to be written; written once. */
    @FunctionalInterface
    public interface Streamed {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Errors as MLflow's clients read them: {@code {"error_code", "message"}} with MLflow's own status. */
    public static final ErrorStyle ERRORS = (context, error, requestId) -> {
        context.status(status(error.code()))
                .result(Json.write(
                        Json.object().put("error_code", code(error.code())).put("message", error.messageAndRemedy())))
                .contentType("application/json");
    };

    private final String prefix;
    private final List<Route> routes = new ArrayList<>();

    /** @param prefix after {@code /api} or {@code /ajax-api}, such as {@code /2.0/mlflow} */
    public MlflowWireRoutes(String prefix) {
        this.prefix = prefix;
    }

    public MlflowWireRoutes get(String path, Access access, Endpoint endpoint) {
        return add(HandlerType.GET, path, access, endpoint);
    }

    public MlflowWireRoutes post(String path, Access access, Endpoint endpoint) {
        return add(HandlerType.POST, path, access, endpoint);
    }

    public MlflowWireRoutes patch(String path, Access access, Endpoint endpoint) {
        return add(HandlerType.PATCH, path, access, endpoint);
    }

    public MlflowWireRoutes delete(String path, Access access, Endpoint endpoint) {
        return add(HandlerType.DELETE, path, access, endpoint);
    }

    /** As {@link #get}, for large answers. */
    public MlflowWireRoutes getStreaming(String path, Access access, StreamingEndpoint endpoint) {
        return add(HandlerType.GET, path, access, streaming(endpoint));
    }

    /** As {@link #post}, for large answers. */
    public MlflowWireRoutes postStreaming(String path, Access access, StreamingEndpoint endpoint) {
        return add(HandlerType.POST, path, access, streaming(endpoint));
    }

    private static Route.Endpoint streaming(StreamingEndpoint endpoint) {
        return (context, caller) -> {
            Streamed answer = endpoint.answer(MlflowRequest.of(context), caller);
            context.contentType("application/json");
            var body = AnswerBody.of(context);
            answer.writeTo(body);
            body.end();
        };
    }

    private MlflowWireRoutes add(HandlerType method, String path, Access access, Endpoint endpoint) {
        return add(method, path, access, (Route.Endpoint)
                (context, caller) -> StreamedJson.write(context, endpoint.answer(MlflowRequest.of(context), caller)));
    }

    private MlflowWireRoutes add(HandlerType method, String path, Access access, Route.Endpoint handler) {
        for (String root : List.of("/api", "/ajax-api")) {
            routes.add(route(method, root + prefix + path, access, handler));
        }
        return this;
    }

    /** A route of the wire that reads and writes something else than JSON. */
    public static Route route(HandlerType method, String path, Access access, Route.Endpoint endpoint) {
        return new Route(method, path, access, Route.ProjectSource.HEADER, endpoint, ERRORS);
    }

    /** A route of the wire that answers with files. */
    public static Route file(String path, Access access, Route.FileSource source) {
        return Route.file(path, access, source)
                .project(Route.ProjectSource.HEADER)
                .errors(ERRORS);
    }

    public List<Route> routes() {
        return List.copyOf(routes);
    }

    private static int status(ErrorCode code) {
        return switch (code) {
            case ALREADY_EXISTS, FAILED_PRECONDITION, CHECK_FAILED -> 400;
            default -> code.httpStatus();
        };
    }

    private static String code(ErrorCode code) {
        return switch (code) {
            case INVALID_ARGUMENT, INVALID_DEFINITION, INVALID_DATA, FAILED_PRECONDITION, TOO_LARGE, CHECK_FAILED ->
                "INVALID_PARAMETER_VALUE";
            case UNSUPPORTED_MEDIA_TYPE, RANGE_NOT_SATISFIABLE, CONTENT_CHANGED -> "BAD_REQUEST";
            case UNAUTHENTICATED -> "UNAUTHENTICATED";
            case PERMISSION_DENIED, FORBIDDEN_ORIGIN -> "PERMISSION_DENIED";
            case NOT_FOUND -> "RESOURCE_DOES_NOT_EXIST";
            case METHOD_NOT_ALLOWED -> "ENDPOINT_NOT_FOUND";
            case ALREADY_EXISTS -> "RESOURCE_ALREADY_EXISTS";
            case CONFLICT -> "RESOURCE_CONFLICT";
            case RATE_LIMITED -> "REQUEST_LIMIT_EXCEEDED";
            case CANCELLED -> "CANCELLED";
            case INTERNAL -> "INTERNAL_ERROR";
            case NOT_SUPPORTED -> "NOT_IMPLEMENTED";
            case UNAVAILABLE -> "TEMPORARILY_UNAVAILABLE";
            case STORAGE_FULL -> "RESOURCE_EXHAUSTED";
            case TIMEOUT, TOO_SLOW -> "DEADLINE_EXCEEDED";
        };
    }
}
