package dev.tidemill.platform.ids;

import dev.tidemill.platform.errors.TidemillException;
import java.util.regex.Pattern;

/** The rule for names that people give: they become parts of URLs and of OIP model names, so they stay plain. */
public final class Names {
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?");

    private Names() {}

    /**
     * Returns the name if it is allowed.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the field and the value
     */
    public static String require(String field, String name) {
        if (!NAME.matcher(name).matches()) {
            throw TidemillException.invalid(field, "'" + shorten(name) + "' is not a name")
                    .remedy("Use 1 to 63 lower-case letters, digits, '-' and '_', with a letter or digit at both ends");
        }
        return name;
    }

    private static String shorten(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }
}
