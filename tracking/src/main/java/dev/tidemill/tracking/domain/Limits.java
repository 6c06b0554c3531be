package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.regex.Pattern;

/** How long and of what form things that clients log may be, as MLflow has it. */
public final class Limits {
    public static final int METRICS = 1000;
    public static final int PARAMS = 100;
    public static final int TAGS = 100;
    public static final int ENTRIES = 1000;
    public static final int BATCH_BYTES = 1_000_000;
    static final int KEY = 250;
    static final int PARAM_VALUE = 6000;
    static final int RUN_TAG_VALUE = 8000;
    static final int EXPERIMENT_TAG_VALUE = 20_000;
    private static final Pattern KEY_FORM = Pattern.compile("[/\\w.\\- :]*", Pattern.UNICODE_CHARACTER_CLASS);

    private Limits() {}

    /**
     * The name of a metric, param or tag.
     *
     * @param what {@code Metric}, {@code Param} or {@code Tag}
     */
    public static String key(String what, String name) {
        return key(what, name, what.equals("Metric") ? "name" : "key");
    }

    /** @param path how the refusal names the field, such as {@code params[3].key} */
    public static String key(String what, String name, String path) {
        if (!KEY_FORM.matcher(name).matches()) {
            throw TidemillException.invalid(
                    path,
                    "Invalid value " + quoted(name) + " for parameter '" + path
                            + "' supplied: Names may only contain alphanumerics,"
                            + " underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).");
        }
        if (name.startsWith("/") || Arrays.stream(name.split("/", -1)).anyMatch(Limits::isNoPart)) {
            throw TidemillException.invalid(
                    path,
                    "Invalid value " + quoted(name) + " for parameter '" + path
                            + "' supplied: Names may be treated as files in"
                            + " certain cases, and must not resolve to other names when treated as such. This name would"
                            + " resolve to '" + resolved(name) + "'");
        }
        return length(what.equals("Tag") ? path : what + (what.equals("Metric") ? " name" : " key"), name);
    }

    /** Refuses a name of more characters than are kept. */
    public static String length(String what, String name) {
        if (name.length() > KEY) {
            throw TidemillException.invalid(
                    "key", "'" + what + "' exceeds the maximum length of " + KEY + " characters");
        }
        return name;
    }

    private static String quoted(String name) {
        String shown = name.length() > 300 ? name.substring(0, 300) + "..." : name;
        return "\"" + shown.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** What the name means as a path. */
    private static String resolved(String name) {
        var parts = new ArrayDeque<String>();
        for (String part : name.split("/", -1)) {
            boolean up = part.equals("..");
            if (up && !parts.isEmpty() && !parts.getLast().equals("..")) {
                parts.removeLast();
            } else if (!part.isEmpty() && !part.equals(".") && !(up && name.startsWith("/"))) {
                parts.add(part);
            }
        }
        String path = (name.startsWith("/") ? "/" : "") + String.join("/", parts);
        return path.isEmpty() ? "." : path;
    }

    private static boolean isNoPart(String part) {
        return part.isEmpty() || part.equals(".") || part.equals("..");
    }

    public static String paramValue(String name, String value) {
        return truncated(value, PARAM_VALUE);
    }

    public static String runTagValue(String value) {
        return truncated(value, RUN_TAG_VALUE);
    }

    /** Values that are too long are cut, as MLflow's server does unless told otherwise. */
    private static String truncated(String value, int limit) {
        return StorableText.cut(value, limit);
    }

    public static String experimentTagValue(String value) {
        if (value.length() > EXPERIMENT_TAG_VALUE) {
            throw TidemillException.invalid(
                    "value", "'value' exceeds the maximum length of " + EXPERIMENT_TAG_VALUE + " characters");
        }
        return value;
    }

    public static String experimentName(String name) {
        if (name.isBlank() || name.length() > 500) {
            throw TidemillException.invalid(
                    "name",
                    name.isBlank()
                            ? "Invalid experiment name: ''. The name must not be empty"
                            : "'name' exceeds the maximum length of 500 characters");
        }
        return name;
    }

    /** Refuses a batch that is too large, in MLflow's words. */
    public static void batch(String what, int size, int limit) {
        if (size > limit) {
            throw TidemillException.invalid(
                    what,
                    "A batch logging request can contain at most " + limit + " " + what + ". Got " + size + " " + what
                            + ". Please split up " + what + " across multiple requests and try again.");
        }
    }

    /** How many results a page may have. */
    public static int pageSize(long asked, int most) {
        if (asked < 1) {
            throw TidemillException.invalid(
                    "max_results",
                    "Invalid value " + asked + " for parameter 'max_results' supplied. It must be a positive integer");
        }
        if (asked > most) {
            throw TidemillException.invalid(
                    "max_results",
                    "Invalid value " + asked + " for parameter 'max_results' supplied. It must be at most " + most);
        }
        return (int) asked;
    }
}
