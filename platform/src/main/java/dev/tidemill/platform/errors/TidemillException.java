package dev.tidemill.platform.errors;

import dev.tidemill.platform.ids.StorableText;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A refusal or failure with a code. The message says what was wrong, with the value; the remedy says what to do.
 *
 * <p>Messages reach the caller: they never carry secrets. They are stored too, and repeat what others sent or what a library said,
 * so what no database keeps of them is replaced ({@link StorableText#shown}).
 */
public final class TidemillException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final Duration SOON = Duration.ofSeconds(1);

    private final ErrorCode code;
    private final @Nullable String field;
    private final @Nullable String remedy;
    private final Duration retryAfter;

    public TidemillException(ErrorCode code, String message) {
        this(code, message, null, null, SOON, null);
    }

    private TidemillException(
            ErrorCode code,
            String message,
            @Nullable String field,
            @Nullable String remedy,
            Duration retryAfter,
            @Nullable Throwable cause) {
        super(StorableText.shown(message), cause);
        this.code = code;
        this.field = field;
        this.remedy = remedy == null ? null : StorableText.shown(remedy);
        this.retryAfter = retryAfter;
    }

    public static TidemillException invalid(String field, String message) {
        return new TidemillException(ErrorCode.INVALID_ARGUMENT, message, field, null, SOON, null);
    }

    public static TidemillException notFound(String kind, Object id) {
        return new TidemillException(ErrorCode.NOT_FOUND, "There is no " + kind + " '" + id + "'");
    }

    /** What a failure of any class says of itself, without its remedy, as a text that can be stored. */
    public static String said(Throwable failure) {
        return failure instanceof TidemillException coded ? coded.message() : StorableText.shown(failure.toString());
    }

    /** The same refusal, naming the request field that caused it. */
    public TidemillException at(String offendingField) {
        return new TidemillException(code, message(), offendingField, remedy, retryAfter, getCause());
    }

    /** The same refusal, saying what to do about it. */
    public TidemillException remedy(String whatToDo) {
        return new TidemillException(code, message(), field, whatToDo, retryAfter, getCause());
    }

    /** The same refusal, keeping what led to it for the log. */
    public TidemillException causedBy(Throwable reason) {
        return new TidemillException(code, message(), field, remedy, retryAfter, reason);
    }

    /** The same refusal, for callers who may have better luck after this long; a second unless said. */
    public TidemillException retryAfter(Duration time) {
        return new TidemillException(code, message(), field, remedy, time, getCause());
    }

    public ErrorCode code() {
        return code;
    }

    public String message() {
        String message = getMessage();
        return message == null ? code.title() : message;
    }

    /** Message and remedy as the sentences of one text, for callers who get no fields. */
    public String messageAndRemedy() {
        String message = message();
        return remedy().map(text -> message + (message.matches("(?s).*[.?!]") ? " " : ". ") + text)
                .orElse(message);
    }

    public Optional<String> field() {
        return Optional.ofNullable(field);
    }

    public Optional<String> remedy() {
        return Optional.ofNullable(remedy);
    }

    /** How long to wait before asking again, where {@link #code} is one that passes. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
