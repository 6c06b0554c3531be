package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page token that holds good only for the search that gave it.
 *
 * @param search a hash of everything that was asked
 */
record SearchToken(long offset, long search) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9}):(\\d{1,10})");

    String text() {
        return Base64.getEncoder().encodeToString((offset + ":" + search).getBytes(StandardCharsets.UTF_8));
    }

    static SearchToken parse(Optional<String> token, long search) {
        if (token.isEmpty()) {
            return new SearchToken(0, search);
        }
        try {
            Matcher matcher = FORM.matcher(new String(Base64.getDecoder().decode(token.get()), StandardCharsets.UTF_8));
            if (matcher.matches()) {
                if (Long.parseLong(matcher.group(2)) != search) {
                    throw TidemillException.invalid(
                            "page_token",
                            "Experiment ids, filter string or order in the page token does not match the requested search");
                }
                return new SearchToken(Long.parseLong(matcher.group(1)), search);
            }
        } catch (IllegalArgumentException e) {
            // refused below
        }
        throw TidemillException.invalid("page_token", "Invalid page token: " + token.get());
    }
}
