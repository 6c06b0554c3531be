package dev.tidemill.platform.http;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The part of a file that a {@code Range} header asks for (RFC 9110, 14.1 and 14.2).
 *
 * @param first of the bytes, from 0
 * @param last of the bytes, itself included; below {@code first} where nothing of the file is asked for
 */
record ByteRange(long first, long last) {
    private static final Pattern ONE = Pattern.compile("bytes=\\s*(\\d*)\\s*-\\s*(\\d*)\\s*", Pattern.CASE_INSENSITIVE);

    /**
     * Reads the header.
     *
     * @return the part; empty where the whole file is to be sent: without the header, for another unit, for what is no range,
     *     and for several ranges, which a server may answer so
     */
    static Optional<ByteRange> asked(@Nullable String header, long size) {
        Matcher range = ONE.matcher(header == null ? "" : header);
        if (!range.matches()) {
            return Optional.empty();
        }
        String from = range.group(1);
        String to = range.group(2);
        if (from.isEmpty()) {
            return to.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new ByteRange(Math.max(0, size - number(to)), number(to) == 0 ? -1 : size - 1));
        }
        long first = number(from);
        long last = to.isEmpty() ? Long.MAX_VALUE : number(to);
        return last < first ? Optional.empty() : Optional.of(new ByteRange(first, Math.min(last, size - 1)));
    }

    /** More digits than a length has mean a position beyond every end. */
    private static long number(String digits) {
        return digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
    }

    /** Whether the file has any of it. */
    boolean isSatisfiable(long size) {
        return first < size && first <= last;
    }

    long length() {
        return last - first + 1;
    }
}
