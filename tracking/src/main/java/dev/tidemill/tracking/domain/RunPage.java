package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Page;
import dev.tidemill.tracking.domain.RunStore.Last;
import dev.tidemill.tracking.domain.RunStore.Start;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A page of a search of runs; its token says how many runs it skips and which was the last of them. */
record RunPage(Start start) {
    private static final Pattern FORM = Pattern.compile(
            "\\{\"offset\": (\\d{1,9}), \"started_at\": (-?\\d{1,18}), \"run_id\": \"([\\w-]{1,64})\"}");

    static RunPage parse(Optional<String> token) {
        if (token.isPresent()) {
            Optional<Matcher> matcher = decoded(token.get()).map(FORM::matcher).filter(Matcher::matches);
            if (matcher.isPresent()) {
                return new RunPage(new Start(
                        Long.parseLong(matcher.get().group(1)),
                        Optional.of(new Last(
                                Long.parseLong(matcher.get().group(2)),
                                matcher.get().group(3)))));
            }
        }
        return new RunPage(new Start(Page.offset(token), Optional.empty()));
    }

    private static Optional<String> decoded(String token) {
        try {
            return Optional.of(new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The page behind these runs, which are the whole of this one. */
    RunPage after(List<Run> runs) {
        Run last = runs.getLast();
        return new RunPage(new Start(
                start.offset() + runs.size(),
                Optional.of(new Last(last.startedAt().toEpochMilli(), last.id().value()))));
    }

    String token() {
        return start.last()
                .map(last -> "{\"offset\": " + start.offset() + ", \"started_at\": " + last.startedAt()
                        + ", \"run_id\": \"" + last.id() + "\"}")
                .map(text -> Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)))
                .orElseGet(() -> Page.token(start.offset()));
    }
}
