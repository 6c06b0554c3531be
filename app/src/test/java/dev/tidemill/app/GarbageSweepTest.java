package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GarbageSweepTest {
    @ParameterizedTest
    @CsvSource({
        "100, 0, false",
        "129, 0, true",
        "511, 0, true",
        "512, 0, false",
        "5000, 0, false",
        "129, 40, true",
        "129, 60, false",
        "181, 60, true",
        "700, 256, false",
        "769, 256, true",
        "6000, 257, false",
    })
    void theOldGenerationIsSweptWhereMostOfItIsGarbageAndLittleIsLive(long used, long live, boolean due) {
        assertThat(GarbageSweep.isDue(used << 20, live << 20)).isEqualTo(due);
    }
}
