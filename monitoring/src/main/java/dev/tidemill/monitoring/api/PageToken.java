package dev.tidemill.monitoring.api;

import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;

/** A place in the journal as clients carry it from page to page. */
final class PageToken {
    private PageToken() {}

    static String of(JournalStore.Position position) {
        String text = position.eventTime().toEpochMilli() + " " + position.id();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a token that is none of ours */
    static JournalStore.Position position(String token) {
        try {
            String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
            int space = text.indexOf(' ');
            if (space > 0) {
                return new JournalStore.Position(
                        Instant.ofEpochMilli(Long.parseLong(text.substring(0, space))), text.substring(space + 1));
            }
        } catch (IllegalArgumentException e) {
            // Refused below.
        }
        throw TidemillException.invalid("page_token", "'" + token + "' is no token of a page before");
    }
}
