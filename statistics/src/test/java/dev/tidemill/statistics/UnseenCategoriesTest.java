package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Models take a category that they have never seen for a missing value; a window tells the two apart. */
class UnseenCategoriesTest {
    private static final Bins.Categories PLANS =
            Bins.Categories.fromReference(List.of("basic", "basic", "premium"), 10);

    private static WindowProfile profile(int basic, int premium, int missing, int unseen) {
        var profile = new WindowProfile(Map.of("plan", PLANS));
        add(profile, basic, "basic");
        add(profile, premium, "premium");
        add(profile, missing, null);
        add(profile, unseen, "gold");
        return profile;
    }

    private static void add(WindowProfile profile, int times, @Nullable String plan) {
        var row = new HashMap<String, @Nullable Object>();
        row.put("plan", plan);
        for (int i = 0; i < times; i++) {
            profile.add(row);
        }
    }

    private static WindowProfile.ColumnDrift drift(WindowProfile window, WindowProfile reference) {
        return Objects.requireNonNull(window.driftFrom(reference).get("plan"));
    }

    @Test
    void aCategoryThatTheReferenceLacksIsCountedByItself() {
        assertThat(profile(4, 3, 2, 1).counts("plan")).containsExactly(2, 4, 3, 1);
        assertThat(PLANS.bin("gold")).isEqualTo(PLANS.bin("silver")).isNotEqualTo(PLANS.bin(null));
    }

    @Test
    void itMovesItsColumnAsFarAsMissingValuesDo() {
        WindowProfile reference = profile(100, 50, 0, 0);
        WindowProfile.ColumnDrift unseen = drift(profile(80, 40, 0, 30), reference);
        WindowProfile.ColumnDrift missing = drift(profile(80, 40, 30, 0), reference);
        assertThat(unseen.pValue()).isLessThan(1e-6).isEqualTo(missing.pValue());
        assertThat(unseen.effect()).isGreaterThan(0.3);
        assertThat(drift(profile(80, 40, 0, 30), profile(80, 40, 30, 0)).pValue())
                .as("the one is not the other")
                .isLessThan(1e-6);
    }
}
