package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AnsweredIdsTest {
    private static Prediction prediction(String id, double x) {
        return new Prediction(
                "default",
                "d",
                id,
                Instant.EPOCH,
                Instant.EPOCH,
                Map.of("x", x),
                false,
                1,
                List.of(),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    @Test
    void contentsAreToldApartByWhichFeatureHasWhichValue() {
        var two = new LinkedHashMap<String, @Nullable Object>();
        two.put("x", 1.0);
        two.put("y", 2.0);
        var turned = new LinkedHashMap<String, @Nullable Object>();
        turned.put("y", 2.0);
        turned.put("x", 1.0);
        assertThat(AnsweredIds.fingerprint(turned)).isEqualTo(AnsweredIds.fingerprint(two));
        var missing = new HashMap<String, @Nullable Object>(two);
        missing.put("z", null);
        var seen = new HashSet<Long>(Set.of(AnsweredIds.fingerprint(two), AnsweredIds.fingerprint(missing)));
        assertThat(seen).hasSize(2);
        int others = 0;
        for (int x = -20; x <= 20; x++) {
            for (int y = -20; y <= 20; y++) {
                if (x != 1 || y != 2) {
                    seen.add(AnsweredIds.fingerprint(Map.of("x", (double) x, "y", (double) y)));
                    others++;
                }
            }
        }
        // Java's own hash of a text would not tell these apart.
        seen.add(AnsweredIds.fingerprint(Map.of("x", "Aa")));
        seen.add(AnsweredIds.fingerprint(Map.of("x", "BB")));
        assertThat(seen).hasSize(2 + others + 2);
    }

    @Test
    void theNewestAreRemembered() {
        var ids = new AnsweredIds();
        for (int i = 0; i < AnsweredIds.REMEMBERED; i++) {
            ids.note(List.of(prediction("p" + i, 1)));
        }
        // What is sent again is new again.
        assertThat(ids.note(List.of(prediction("p0", 1)))).isEmpty();
        ids.note(List.of(prediction("q", 1)));
        assertThatThrownBy(() -> ids.note(List.of(prediction("p0", 2))))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("'p0'");
        assertThat(ids.note(List.of(prediction("p1", 2))))
                .containsExactly(prediction("p1", 2).key());
    }
}
