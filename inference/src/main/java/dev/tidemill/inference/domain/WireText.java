package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.nio.charset.StandardCharsets;

/**
 * Texts of requests as models and files take them. JSON can write half a character, a surrogate without its other half, which UTF-8
 * has no place for: it is refused, since what would stand in its place is another text than was sent. The character NUL, which no
 * database keeps, is a value like any other to a model ({@link dev.tidemill.platform.ids.StorableText} is the rule of what is stored).
 */
public final class WireText {
    private WireText() {}

    /**
     * The text in UTF-8.
     *
     * @param field of the request that it is in
     * @param whose what holds it, as a refusal says it
     * @throws TidemillException {@code INVALID_ARGUMENT} if it holds half a character
     */
    public static byte[] bytes(String field, String whose, String text) {
        check(field, whose, text);
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Refuses a text that holds half a character. */
    public static void check(String field, String whose, String text) {
        int at = StorableText.halfCharacter(text);
        if (at >= 0) {
            throw TidemillException.invalid(
                    field, whose + " holds half a character: \\u%04x at place %d".formatted((int) text.charAt(at), at));
        }
    }
}
