package dev.tidemill.platform.ids;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;

/**
 * What a text must be so that every database keeps it as it is: without the character NUL, which PostgreSQL refuses, and without
 * half of a surrogate pair, which has no form in UTF-8. Asked where texts come in, and once more where they are stored.
 */
public final class StorableText {
    private static final int SHOWN = 40;
    private static final char REPLACEMENT = '\uFFFD';

    private StorableText() {}

    /** Whether every database keeps the text as it is. */
    public static boolean is(CharSequence text) {
        return firstFault(text) < 0;
    }

    /**
     * The text itself.
     *
     * @param what the text is, such as the name of a parameter
     * @throws TidemillException {@code INVALID_ARGUMENT} if no database keeps it
     */
    public static String require(String what, String text) {
        int at = firstFault(text);
        if (at >= 0) {
            String before = tail(text.substring(0, at), SHOWN);
            throw refusal(what, text.charAt(at), "'" + before + "...', at position " + at);
        }
        return text;
    }

    /**
     * What a text is refused with.
     *
     * @param fault the character that is at fault
     * @param where it was found
     */
    public static TidemillException refusal(String what, char fault, String where) {
        return new TidemillException(
                        ErrorCode.INVALID_ARGUMENT,
                        what + " holds "
                                + (fault == 0 ? "the character NUL (U+0000)" : "half a character, a lone surrogate")
                                + ": " + where)
                .remedy("Leave it out, or encode binary values, for example in base64");
    }

    /** The beginning of a text, of as many characters at most, that ends with no half of one. */
    public static String cut(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        boolean halved = most > 0 && Character.isHighSurrogate(text.charAt(most - 1));
        return text.substring(0, halved ? most - 1 : most);
    }

    /** The end of a text, of as many characters at most, that begins with no half of one. */
    public static String tail(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        int from = text.length() - most;
        boolean halved = most > 0 && Character.isLowSurrogate(text.charAt(from));
        return text.substring(halved ? from + 1 : from);
    }

    /**
     * A text that somebody else made and that is only shown, such as the words of an error or a line of a log: what no database
     * keeps of it is replaced ({@code U+FFFD}), so that it can be stored wherever it goes.
     */
    public static String shown(String text) {
        int at = firstFault(text);
        if (at < 0) {
            return text;
        }
        var shown = new StringBuilder(text);
        for (; at >= 0; at = fault(shown, at + 1, true)) {
            shown.setCharAt(at, REPLACEMENT);
        }
        return shown.toString();
    }

    /** Position of the first half of a surrogate pair without its other half; negative if there is none. */
    public static int halfCharacter(CharSequence text) {
        return fault(text, 0, false);
    }

    /** Position of the first character that no database keeps; negative if there is none. */
    private static int firstFault(CharSequence text) {
        return fault(text, 0, true);
    }

    private static int fault(CharSequence text, int from, boolean nul) {
        for (int i = from; i < text.length(); i++) {
            char character = text.charAt(i);
            if (character == 0 && nul) {
                return i;
            }
            if (Character.isSurrogate(character)) {
                boolean pair = Character.isHighSurrogate(character)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (!pair) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }
}
