package dev.tidemill.platform.search;

import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One page of a search.
 *
 * @param next token that asks for the page after it; empty on the last one
 */
public record Page<T>(List<T> items, Optional<String> next) {
    private static final Pattern TOKEN = Pattern.compile("\\s*\\{\\s*\"offset\"\\s*:\\s*(\\d{1,9})\\s*}\\s*");

    /** A token that goes on after so many rows. */
    public static String token(long offset) {
        return Base64.getEncoder().encodeToString(("{\"offset\": " + offset + "}").getBytes(StandardCharsets.UTF_8));
    }

    /**
     * How many rows a token skips.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a token that is none of ours
     */
    public static long offset(Optional<String> token) {
        if (token.isEmpty()) {
            return 0;
        }
        String decoded;
        try {
            if (token.get().length() % 4 != 0) {
                throw new IllegalArgumentException("base64 comes in fours");
            }
            decoded = new String(Base64.getDecoder().decode(token.get()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("page_token", "Invalid page token, could not base64-decode");
        }
        Matcher matcher = TOKEN.matcher(decoded);
        if (!matcher.matches()) {
            throw TidemillException.invalid(
                    "page_token",
                    decoded.strip().startsWith("{")
                            ? "Invalid page token, parsed value=" + shown(decoded)
                            : "Invalid page token, decoded value=" + shown(decoded));
        }
        return Long.parseLong(matcher.group(1));
    }

    private static String shown(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }

    /** A page that begins after so many rows, with a token where others follow. */
    public static <T> Page<T> of(Portion<T> portion, long offset) {
        return new Page<>(
                portion.items(),
                portion.more() ? Optional.of(token(offset + portion.items().size())) : Optional.empty());
    }

    /** Cuts what was read with one row more than asked for, so that a token is given only where a row follows. */
    public static <T> Page<T> cut(List<T> read, long offset, int size) {
        return read.size() > size
                ? new Page<>(List.copyOf(read.subList(0, size)), Optional.of(token(offset + size)))
                : new Page<>(read, Optional.empty());
    }
}
