package dev.tidemill.platform.sql;

import java.util.HashMap;
import java.util.Map;

/**
 * Patterns with {@code %} and {@code _} that do not heed the case of letters, written as regular expressions that name each
 * letter's cases, so that no database's own notion of case comes in. Letters are the same where Unicode's simple case mappings
 * lead to the same one ({@code Character.toLowerCase(Character.toUpperCase(c))}); the letters A to Z have two cases alone.
 */
final class CaseFolding {
    /** What a letter outside ASCII is folded to, and all letters that fold to it. */
    private static final Map<Integer, String> SAME = sameLetters();

    private CaseFolding() {}

    private static Map<Integer, String> sameLetters() {
        var same = new HashMap<Integer, String>();
        for (int c = 128; c <= Character.MAX_CODE_POINT; c++) {
            int folded = fold(c);
            if (folded >= 128 && folded != c) {
                String known = same.getOrDefault(folded, Character.toString(folded));
                same.put(folded, known + Character.toString(c));
            }
        }
        return same;
    }

    private static int fold(int c) {
        return Character.toLowerCase(Character.toUpperCase(c));
    }

    /** The pattern as a regular expression that the whole text matches. */
    static String expression(String pattern) {
        var written = new StringBuilder("(?s)^");
        pattern.codePoints().forEach(c -> {
            switch (c) {
                case '%' -> written.append(".*");
                case '_' -> written.append('.');
                default -> letter(written, c);
            }
        });
        return written.append('$').toString();
    }

    private static void letter(StringBuilder written, int c) {
        if (c >= 128) {
            String cases = SAME.getOrDefault(fold(c), Character.toString(c));
            written.append(cases.codePointCount(0, cases.length()) == 1 ? cases : "[" + cases + "]");
        } else if (Character.isLetter(c)) {
            written.append('[')
                    .append((char) Character.toLowerCase(c))
                    .append((char) Character.toUpperCase(c))
                    .append(']');
        } else if (Character.isDigit(c) || c == ' ') {
            written.append((char) c);
        } else {
            written.append('\\').append((char) c);
        }
    }
}
