package dev.tidemill.platform.errors;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A refusal or failure with a code. The message says what was wrong, with the value; the remedy says what to do.
 *
 * <p>Messages reach the caller: they never carry secrets.
 */
public final class TidemillException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final @Nullable String field;
    private final @Nullable String remedy;

    public TidemillException(ErrorCode code, String message) {
        this(code, message, null, null, null);
    }

    private TidemillException(
            ErrorCode code,
            String message,
            @Nullable String field,
            @Nullable String remedy,
            @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.field = field;
        this.remedy = remedy;
    }

    public static TidemillException invalid(String field, String message) {
        return new TidemillException(ErrorCode.INVALID_ARGUMENT, message, field, null, null);
    }

    public static TidemillException notFound(String kind, Object id) {
        return new TidemillException(ErrorCode.NOT_FOUND, "There is no " + kind + " '" + id + "'");
    }

    /** The same refusal, naming the request field that caused it. */
    public TidemillException at(String offendingField) {
        return new TidemillException(code, message(), offendingField, remedy, getCause());
    }

    /** The same refusal, saying what to do about it. */
    public TidemillException remedy(String whatToDo) {
        return new TidemillException(code, message(), field, whatToDo, getCause());
    }

    /** The same refusal, keeping what led to it for the log. */
    public TidemillException causedBy(Throwable reason) {
        return new TidemillException(code, message(), field, remedy, reason);
    }

    public ErrorCode code() {
        return code;
    }

    public String message() {
        String message = getMessage();
        return message == null ? code.title() : message;
    }

    public Optional<String> field() {
        return Optional.ofNullable(field);
    }

    public Optional<String> remedy() {
        return Optional.ofNullable(remedy);
    }
}
