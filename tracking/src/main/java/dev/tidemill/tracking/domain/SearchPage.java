package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Page;
import dev.tidemill.tracking.domain.RunStore.Last;
import dev.tidemill.tracking.domain.RunStore.Start;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A page of a search of runs, traces or experiments; its token says how many it skips, and which was the last of them and when it began. */
record SearchPage(Start start) {
    private static final Pattern FORM =
            Pattern.compile("\\{\"offset\": (\\d{1,9}), \"started_at\": (-?\\d{1,18}), \"id\": \"([^\"]{1,250})\"}");

    static SearchPage parse(Optional<String> token) {
        if (token.isPresent()) {
            Optional<Matcher> matcher = decoded(token.get()).map(FORM::matcher).filter(Matcher::matches);
            if (matcher.isPresent()) {
                return new SearchPage(new Start(
                        Long.parseLong(matcher.get().group(1)),
                        Optional.of(new Last(
                                Long.parseLong(matcher.get().group(2)),
                                matcher.get().group(3)))));
            }
        }
        return new SearchPage(new Start(Page.offset(token), Optional.empty()));
    }

    private static Optional<String> decoded(String token) {
        try {
            return Optional.of(new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * The page behind this one.
     *
     * @param found how many there are on this one
     * @param startedAt when the last of them began
     * @param id of the last of them
     */
    SearchPage after(int found, Instant startedAt, String id) {
        return new SearchPage(new Start(start.offset() + found, Optional.of(new Last(startedAt.toEpochMilli(), id))));
    }

    String token() {
        return start.last()
                .map(last -> "{\"offset\": " + start.offset() + ", \"started_at\": " + last.startedAt() + ", \"id\": \""
                        + last.id() + "\"}")
                .map(text -> Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)))
                .orElseGet(() -> Page.token(start.offset()));
    }
}
