package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.TypedId;
import java.util.regex.Pattern;

/** SHA-256 of some content: 64 lower-case hexadecimal digits. */
public record Digest(String value) implements TypedId {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");

    public Digest {
        if (!is(value)) {
            throw TidemillException.invalid(
                    "digest", "'" + value + "' is not a SHA-256 digest in lower-case hexadecimal");
        }
    }

    /** Whether a text is a digest. */
    public static boolean is(String text) {
        return FORM.matcher(text).matches();
    }

    @Override
    public String toString() {
        return value;
    }
}
