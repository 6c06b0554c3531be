package dev.tidemill.platform.search;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayDeque;

/**
 * Regular expressions of RE2 that callers write. RE2 takes time linear in the text, but its program holds a repeated part as often
 * as it may come: {@code ((a{1000}){1000}){1000}} would be a thousand million instructions. So the size of the program is
 * reckoned before it is made.
 */
public final class RegularExpressions {
    /** As many instructions a program has at most, about. */
    private static final int MOST_INSTRUCTIONS = 10_000;

    /**
     * What a repetition without an end counts for: PostgreSQL takes time with the cube of their number to compile an expression, for 200 of
     * them 0.1 s, for 2,000 of them seven.
     */
    private static final int UNBOUNDED = 40;

    /** RE2's own bound of a count. */
    private static final int MOST_REPETITIONS = 1_000;

    /** The compiler calls itself for each group within a group. */
    private static final int DEEPEST = 100;

    private final String pattern;
    private final ArrayDeque<Long> outer = new ArrayDeque<>();
    private int position;
    /** Instructions of the group that is read, and of its last part, which a count may follow. */
    private long group;

    private long last;

    private RegularExpressions(String pattern) {
        this.pattern = pattern;
    }

    /**
     * Compiles an expression.
     *
     * @throws PatternSyntaxException for what is no expression, or one whose program would be too large
     */
    public static Pattern compile(String pattern) {
        new RegularExpressions(pattern).requireSmall();
        return Pattern.compile(pattern);
    }

    /** Reads as the parser of RE2 does, so that a count is taken for one wherever the parser takes it so. */
    private void requireSmall() {
        if (pattern.length() > MOST_INSTRUCTIONS) {
            throw tooLarge();
        }
        while (position < pattern.length()) {
            char c = pattern.charAt(position++);
            switch (c) {
                case '(' -> {
                    outer.push(group);
                    group = 0;
                    last = 0;
                    if (outer.size() > DEEPEST) {
                        throw refused("more than " + DEEPEST + " groups within one another");
                    }
                }
                case ')' -> {
                    if (!outer.isEmpty()) {
                        // The two ends of the group are instructions as well.
                        long whole = group + 2;
                        group = outer.pop();
                        add(whole);
                    }
                }
                case '[' -> {
                    skipClass();
                    add(1);
                }
                case '\\' -> escape();
                case '{' -> {
                    if (!repetition()) {
                        add(1);
                    }
                }
                case '?' -> {
                    group++;
                    last++;
                }
                case '*', '+' -> {
                    group += UNBOUNDED;
                    last += UNBOUNDED;
                }
                default -> add(1);
            }
            if (group > MOST_INSTRUCTIONS) {
                throw tooLarge();
            }
        }
    }

    private void add(long instructions) {
        last = instructions;
        group += instructions;
    }

    /** Takes {@code {n}}, {@code {n,}} or {@code {n,m}} into account; anything else is a brace. */
    private boolean repetition() {
        int end = pattern.indexOf('}', position);
        if (end < 0) {
            return false;
        }
        String[] counts = pattern.substring(position, end).split(",", -1);
        if (counts.length > 2
                || !isNumber(counts[0])
                || (counts.length == 2 && !counts[1].isEmpty() && !isNumber(counts[1]))) {
            return false;
        }
        int least = count(counts[0]);
        boolean open = counts.length == 2 && counts[1].isEmpty();
        int most = counts.length == 1 ? least : open ? least + 1 : count(counts[1]);
        position = end + 1;
        long repeated = Math.max(1, last) * Math.max(1, Math.max(least, most)) + (open ? UNBOUNDED : 0);
        group += repeated - last;
        last = repeated;
        return true;
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private int count(String digits) {
        int count = digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
        if (count > MOST_REPETITIONS) {
            throw refused("a part is repeated more than " + MOST_REPETITIONS + " times");
        }
        return count;
    }

    private void escape() {
        char escaped = position < pattern.length() ? pattern.charAt(position++) : '\\';
        if (escaped == 'Q') {
            int end = pattern.indexOf("\\E", position);
            int quoted = (end < 0 ? pattern.length() : end) - position;
            group += quoted;
            last = 1;
            position = end < 0 ? pattern.length() : end + 2;
            return;
        }
        if ((escaped == 'p' || escaped == 'P' || escaped == 'x') && pattern.startsWith("{", position)) {
            int end = pattern.indexOf('}', position);
            position = end < 0 ? pattern.length() : end + 1;
        }
        add(1);
    }

    /** Goes behind the bracket that ends a class; one that nothing ends is refused by the parser. */
    private void skipClass() {
        if (pattern.startsWith("^", position)) {
            position++;
        }
        boolean first = true;
        while (position < pattern.length() && (first || pattern.charAt(position) != ']')) {
            first = false;
            if (pattern.startsWith("[:", position)) {
                int end = pattern.indexOf(":]", position + 2);
                position = end < 0 ? position + 1 : end + 2;
            } else {
                position += pattern.charAt(position) == '\\' ? 2 : 1;
            }
        }
        position++;
    }

    private PatternSyntaxException tooLarge() {
        return refused("written out, its repetitions are longer than " + MOST_INSTRUCTIONS + " parts");
    }

    private PatternSyntaxException refused(String why) {
        return new PatternSyntaxException(why, pattern);
    }
}
