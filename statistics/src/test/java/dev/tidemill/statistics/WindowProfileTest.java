package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WindowProfileTest {
    @Test
    void trueAndFalseAreOneAndZeroAndNotMissing() {
        Map<String, Bins> bins = Map.of("weekend", new Bins.Numeric(List.of(0.5)));
        var asNumbers = new WindowProfile(bins);
        var asTruths = new WindowProfile(bins);
        for (int row = 0; row < 7; row++) {
            asNumbers.add(Map.of("weekend", row < 2 ? 1 : 0));
            asTruths.add(Map.of("weekend", row < 2));
        }
        asNumbers.add(Map.of());
        asTruths.add(Map.of());
        assertThat(asTruths.counts("weekend"))
                .isEqualTo(asNumbers.counts("weekend"))
                .contains(1, 5, 2);
    }

    private static WindowProfile profile(Map<String, Bins> bins, Random random, int rows) {
        var profile = new WindowProfile(bins);
        random.doubles(rows).forEach(value -> profile.add(Map.of("x", value)));
        return profile;
    }

    private static Optional<Double> index(WindowProfile reference, WindowProfile now) {
        return Optional.ofNullable(now.driftFrom(reference).get("x"))
                .flatMap(WindowProfile.ColumnDrift::populationStabilityIndex);
    }

    /** Few rows in many bins show a large index without any drift, on average as much as the formula tells. */
    @Test
    void anIndexThatChanceWouldMakeLargeIsLeftOut() {
        var random = new Random(3);
        Map<String, Bins> bins =
                Map.of("x", Bins.Numeric.fromReference(random.doubles(20_000).toArray(), 64));
        WindowProfile reference = profile(bins, random, 20_000);
        assertThat(index(reference, profile(bins, random, 48))).isEmpty();
        assertThat(index(reference, profile(bins, random, 0))).isEmpty();
        double mean = 0;
        double expected = 0;
        for (int window = 0; window < 100; window++) {
            WindowProfile now = profile(bins, random, 2_000);
            mean += index(reference, now).orElseThrow() / 100;
            expected += TwoSampleTests.stabilityIndexByChance(reference.counts("x"), now.counts("x")) / 100;
        }
        assertThat(mean).isCloseTo(expected, withinPercentage(10)).isLessThan(0.1);
    }
}
