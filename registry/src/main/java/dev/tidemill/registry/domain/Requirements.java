package dev.tidemill.registry.domain;

import dev.tidemill.platform.ids.StorableText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A {@code requirements.txt}, read so that what is installed is what was judged: a line is a distribution's name with extras,
 * version specifiers, an environment marker and hashes (PEP 508 without direct references), or it is refused. The form that pip
 * reads is far wider (paths, URLs, version control, options, other files), and each of those may run code of the author's choice.
 *
 * @param lines that were understood, without comments, in order
 * @param refused every other line, each with why
 */
public record Requirements(List<String> lines, List<String> refused) {
    private static final int MOST_LINES = 2_000;
    private static final int LONGEST_LINE = 10_000;
    private static final String NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
    private static final String ONE = "(?:===|==|~=|!=|<=|>=|<|>)\\s*+[A-Za-z0-9.*+!_-]+";
    /**
     * What comes again is possessive: Java's matcher takes a frame of the stack for each round of a group that it may go back on, and
     * blanks that two parts could take are looked at over and over.
     */
    private static final String VERSIONS = ONE + "(?:\\s*+,\\s*+" + ONE + ")*+\\s*+,?";

    private static final Pattern LINE = Pattern.compile("(?<name>" + NAME + ")"
            + "(?<extras>\\s*+\\[\\s*+(?:" + NAME + "(?:\\s*+,\\s*+" + NAME + ")*+)?\\s*+])?"
            + "(?<versions>\\s*+(?:" + VERSIONS + "|\\(\\s*+" + VERSIONS + "\\s*+\\)))?"
            + "(?<marker>\\s*+;[A-Za-z0-9_.\\s'\"<>=!~(),+*-]++)?\\s*+");
    /** The last word of a line. */
    private static final Pattern HASH = Pattern.compile("--hash=sha(?:256|384|512):[0-9a-fA-F]+");
    /** What pip would take for a file beside it, whatever looks like a name. */
    private static final Pattern ARCHIVE =
            Pattern.compile(".*\\.(?:zip|whl|egg|tgz|tbz|txz|tlz|tar|tar\\.(?:gz|bz2|xz|lz|lzma))");

    /** Reads the whole text of a file. */
    public static Requirements parse(String text) {
        var lines = new ArrayList<String>();
        var refused = new ArrayList<String>();
        logical(text).forEach(line -> {
            if (lines.size() + refused.size() >= MOST_LINES) {
                if (refused.size() < MOST_LINES) {
                    refused.add("more than " + MOST_LINES + " lines");
                }
            } else if (isPlain(line)) {
                lines.add(line);
            } else {
                refused.add(shortened(line));
            }
        });
        return new Requirements(List.copyOf(lines), List.copyOf(refused));
    }

    /** Whether one line names a distribution and nothing else. */
    public static boolean isPlain(String line) {
        if (line.length() > LONGEST_LINE) {
            return false;
        }
        var matcher = LINE.matcher(withoutHashes(line));
        if (!matcher.matches()) {
            return false;
        }
        String marker = matcher.group("marker");
        return !ARCHIVE.matcher(matcher.group("name").toLowerCase(Locale.ROOT)).matches()
                // pip takes every word that begins so for an option, also within a marker.
                && (marker == null || Stream.of(marker.split("\\s+")).noneMatch(word -> word.startsWith("-")));
    }

    /** A line without the hashes at its end, each of which stands behind a blank. */
    private static String withoutHashes(String line) {
        int end = line.length();
        while (true) {
            while (end > 0 && isBlank(line.charAt(end - 1))) {
                end--;
            }
            int word = end;
            while (word > 0 && !isBlank(line.charAt(word - 1))) {
                word--;
            }
            if (word == 0 || !HASH.matcher(line).region(word, end).matches()) {
                return line.substring(0, end);
            }
            end = word;
        }
    }

    /** What a pattern's {@code \\s} stands for. */
    private static boolean isBlank(char character) {
        return character == ' ' || character >= '\t' && character <= '\r';
    }

    /** The text that pip is given: nothing but what was understood. */
    public String text() {
        return String.join("\n", lines) + "\n";
    }

    /** Lines as pip joins them: a backslash at the end goes on, a number sign after a blank begins a comment. */
    private static Stream<String> logical(String text) {
        String joined = text.replace("\uFEFF", "").replaceAll("\\\\(?:\r\n|\n|\r)", " ");
        return joined.lines().map(line -> withoutComment(line).strip()).filter(line -> !line.isEmpty());
    }

    private static String withoutComment(String line) {
        for (int at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1)) {
            if (at == 0 || isBlank(line.charAt(at - 1))) {
                return line.substring(0, at);
            }
        }
        return line;
    }

    private static String shortened(String line) {
        String shown = line.replaceAll("[^\\x20-\\x7e]", "?");
        // An address may carry a password.
        shown = shown.replaceAll("://[^/@\\s]*@", "://***@");
        return shown.length() > 160 ? StorableText.cut(shown, 160) + "..." : shown;
    }
}
