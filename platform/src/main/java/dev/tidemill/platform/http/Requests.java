package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.time.EventTime;
import io.javalin.http.Context;
import java.time.Instant;
import java.util.Optional;

/** Reads query parameters; every refusal names the parameter and the value. */
public final class Requests {
    private Requests() {}

    public static int limit(Context context, int otherwise, int most) {
        String text = context.queryParam("limit");
        if (text == null) {
            return otherwise;
        }
        try {
            int limit = Integer.parseInt(text);
            if (limit >= 1 && limit <= most) {
                return limit;
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid("limit", "'" + text + "' is not a number from 1 to " + most);
    }

    public static Optional<String> text(Context context, String parameter) {
        return Optional.ofNullable(context.queryParam(parameter)).filter(text -> !text.isBlank());
    }

    public static Optional<Long> number(Context context, String parameter) {
        return text(context, parameter).map(text -> {
            try {
                return Long.parseLong(text);
            } catch (NumberFormatException e) {
                throw TidemillException.invalid(parameter, "'" + text + "' is not a whole number");
            }
        });
    }

    /** Whether a parameter is {@code true}; not where it is absent. */
    public static boolean flag(Context context, String parameter) {
        return switch (text(context, parameter).orElse("false")) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw TidemillException.invalid(
                        parameter, "'" + context.queryParam(parameter) + "' is neither true nor false");
        };
    }

    public static int positive(Context context, String pathParameter) {
        return positive(pathParameter, context.pathParam(pathParameter));
    }

    /** A query parameter that is a whole number from 1, such as a version's. */
    public static Optional<Integer> optionalPositive(Context context, String parameter) {
        return text(context, parameter).map(text -> positive(parameter, text));
    }

    private static int positive(String parameter, String text) {
        try {
            int value = Integer.parseInt(text);
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid(parameter, "'" + text + "' is not a positive whole number");
    }

    public static Optional<Instant> instant(Context context, String parameter) {
        return text(context, parameter).map(text -> EventTime.instant(parameter, text));
    }

    /** Address of this server as the caller reached it, without a slash at the end. */
    public static String address(Context context) {
        return context.scheme() + "://" + context.host();
    }
}
