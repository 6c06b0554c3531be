package dev.tidemill.tracking.domain;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tokens that language models read and wrote.
 *
 * @param cacheRead of the tokens read, those that came from a cache; empty if unknown
 * @param cacheWritten of the tokens read, those that were put into a cache; empty if unknown
 */
public record TokenUsage(long input, long output, long total, Optional<Long> cacheRead, Optional<Long> cacheWritten) {
    /** What a span says that it used; it stands for everything below it. */
    public record OfSpan(String id, Optional<String> parentId, Optional<TokenUsage> usage) {}

    /** As MLflow's clients read it: a JSON object of whole numbers. */
    public String text() {
        return "{\"input_tokens\": " + input + ", \"output_tokens\": " + output + ", \"total_tokens\": " + total
                + cacheRead
                        .map(tokens -> ", \"cache_read_input_tokens\": " + tokens)
                        .orElse("")
                + cacheWritten
                        .map(tokens -> ", \"cache_creation_input_tokens\": " + tokens)
                        .orElse("")
                + "}";
    }

    TokenUsage plus(TokenUsage other) {
        return new TokenUsage(
                input + other.input,
                output + other.output,
                total + other.total,
                sum(cacheRead, other.cacheRead),
                sum(cacheWritten, other.cacheWritten));
    }

    private static Optional<Long> sum(Optional<Long> a, Optional<Long> b) {
        return a.isEmpty() && b.isEmpty() ? Optional.empty() : Optional.of(a.orElse(0L) + b.orElse(0L));
    }

    /**
     * The usage of a whole trace: of the spans that tell of one, those that lie below none that does, since instrumentations tell
     * the sum of what is below.
     */
    public static Optional<TokenUsage> ofTrace(Collection<OfSpan> spans) {
        Map<String, OfSpan> byId = new HashMap<>();
        spans.forEach(span -> byId.put(span.id(), span));
        Map<String, Boolean> stands = new HashMap<>();
        return spans.stream()
                .filter(span -> span.usage().isPresent()
                        && !span.parentId()
                                .map(above -> stands(above, byId, stands))
                                .orElse(false))
                .map(span -> span.usage().orElseThrow())
                .reduce(TokenUsage::plus);
    }

    /**
     * Whether a span, or one above it, tells of a usage. What clients send may go round in a circle, in which nothing is above.
     *
     * @param known what has been found of spans so far, so that each is looked at once
     */
    private static boolean stands(String id, Map<String, OfSpan> byId, Map<String, Boolean> known) {
        var way = new ArrayList<String>();
        String here = id;
        boolean found = false;
        while (true) {
            Boolean before = known.get(here);
            OfSpan span = byId.get(here);
            if (before != null || span == null) {
                found = Boolean.TRUE.equals(before);
                break;
            }
            way.add(here);
            if (span.usage().isPresent()) {
                found = true;
                break;
            }
            known.put(here, false);
            if (span.parentId().isEmpty()) {
                break;
            }
            here = span.parentId().get();
        }
        for (String one : way) {
            known.put(one, found);
        }
        return found;
    }
}
