package dev.tidemill.tracking.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenUsageTest {
    private static TokenUsage.OfSpan span(String id, Optional<String> parent, long tokens) {
        return new TokenUsage.OfSpan(
                id,
                parent,
                tokens == 0
                        ? Optional.empty()
                        : Optional.of(new TokenUsage(tokens, 0, tokens, Optional.empty(), Optional.empty())));
    }

    private static long total(List<TokenUsage.OfSpan> spans) {
        return TokenUsage.ofTrace(spans).map(TokenUsage::total).orElse(0L);
    }

    @Test
    void aSpanStandsForEverythingBelowItHoweverDeep() {
        List<TokenUsage.OfSpan> spans = new ArrayList<>();
        spans.add(span("0", Optional.empty(), 7));
        for (int i = 1; i < 20_000; i++) {
            spans.add(span("" + i, Optional.of("" + (i - 1)), 0));
        }
        spans.add(span("last", Optional.of("19999"), 5));
        assertThat(total(spans)).isEqualTo(7);
        Collections.reverse(spans);
        assertThat(total(spans)).isEqualTo(7);
    }

    @Test
    void spansThatGoRoundInACircleAreCountedAsTheyAre() {
        assertThat(total(List.of(
                        span("a", Optional.of("b"), 0),
                        span("b", Optional.of("a"), 0),
                        span("below", Optional.of("a"), 3),
                        span("elsewhere", Optional.of("unknown"), 4))))
                .isEqualTo(7);
    }

    /** As the definition says it, one span at a time. */
    private static long slowly(List<TokenUsage.OfSpan> spans) {
        Map<String, TokenUsage.OfSpan> byId = new HashMap<>();
        spans.forEach(span -> byId.put(span.id(), span));
        long total = 0;
        for (TokenUsage.OfSpan span : spans) {
            Set<String> seen = new HashSet<>();
            Optional<TokenUsage.OfSpan> above = span.parentId().map(byId::get);
            boolean covered = false;
            while (above.isPresent() && seen.add(above.get().id())) {
                covered |= above.get().usage().isPresent();
                above = above.get().parentId().map(byId::get);
            }
            total += covered ? 0 : span.usage().map(TokenUsage::total).orElse(0L);
        }
        return total;
    }

    @Test
    void anyForestIsCountedByItsDefinition() {
        var random = new Random(10);
        for (int round = 0; round < 500; round++) {
            List<TokenUsage.OfSpan> spans = new ArrayList<>();
            int size = 1 + random.nextInt(30);
            for (int i = 0; i < size; i++) {
                // Parents before and after, and some that are unknown; no circles.
                Optional<String> parent =
                        random.nextInt(5) == 0 ? Optional.empty() : Optional.of("" + random.nextInt(i + 1));
                spans.add(span(
                        "" + i,
                        parent.filter(text -> !text.equals("" + spans.size())),
                        random.nextInt(3) == 0 ? 1 + random.nextInt(100) : 0));
            }
            Collections.shuffle(spans, random);
            assertThat(total(spans)).as("round %s", round).isEqualTo(slowly(spans));
        }
    }
}
