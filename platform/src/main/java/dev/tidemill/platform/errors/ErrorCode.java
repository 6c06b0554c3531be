package dev.tidemill.platform.errors;

/**
 * Every way in which the platform refuses or fails a request: one code, its HTTP status, its gRPC status and its title.
 *
 * <p>The code is part of the public contract; clients may switch on it. Messages may change, codes do not.
 */
public enum ErrorCode {
    INVALID_ARGUMENT(400, "INVALID_ARGUMENT", "The request is not valid"),
    INVALID_DEFINITION(400, "INVALID_ARGUMENT", "A definition is not valid"),
    INVALID_DATA(400, "INVALID_ARGUMENT", "The data is not valid"),
    UNAUTHENTICATED(401, "UNAUTHENTICATED", "Authentication is required"),
    PERMISSION_DENIED(403, "PERMISSION_DENIED", "Not permitted"),
    FORBIDDEN_ORIGIN(403, "PERMISSION_DENIED", "The request's host or origin is not allowed"),
    NOT_FOUND(404, "NOT_FOUND", "Not found"),
    METHOD_NOT_ALLOWED(405, "UNIMPLEMENTED", "The method is not allowed here"),
    TOO_SLOW(408, "DEADLINE_EXCEEDED", "The request came too slowly"),
    ALREADY_EXISTS(409, "ALREADY_EXISTS", "It exists already"),
    CONFLICT(409, "ABORTED", "The state has changed"),
    FAILED_PRECONDITION(409, "FAILED_PRECONDITION", "The current state does not allow it"),
    CONTENT_CHANGED(412, "FAILED_PRECONDITION", "The content is not the one that is meant"),
    TOO_LARGE(413, "RESOURCE_EXHAUSTED", "The request is too large"),
    RANGE_NOT_SATISFIABLE(416, "OUT_OF_RANGE", "The file does not have what is asked for"),
    UNSUPPORTED_MEDIA_TYPE(415, "INVALID_ARGUMENT", "The content type is not supported"),
    CHECK_FAILED(422, "FAILED_PRECONDITION", "A check failed"),
    RATE_LIMITED(429, "RESOURCE_EXHAUSTED", "Too many requests"),
    CANCELLED(499, "CANCELLED", "Cancelled"),
    INTERNAL(500, "INTERNAL", "Internal error"),
    NOT_SUPPORTED(501, "UNIMPLEMENTED", "Not supported"),
    UNAVAILABLE(503, "UNAVAILABLE", "Not available now"),
    STORAGE_FULL(507, "RESOURCE_EXHAUSTED", "The storage is full"),
    TIMEOUT(504, "DEADLINE_EXCEEDED", "Timed out");

    private final int httpStatus;
    private final String grpcStatus;
    private final String title;

    ErrorCode(int httpStatus, String grpcStatus, String title) {
        this.httpStatus = httpStatus;
        this.grpcStatus = grpcStatus;
        this.title = title;
    }

    public int httpStatus() {
        return httpStatus;
    }

    /** Name of the gRPC status code. */
    public String grpcStatus() {
        return grpcStatus;
    }

    /** One short sentence, without full stop, that fits every occurrence. */
    public String title() {
        return title;
    }
}
