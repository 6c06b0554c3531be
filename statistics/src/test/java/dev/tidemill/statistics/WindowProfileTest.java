package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
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
}
