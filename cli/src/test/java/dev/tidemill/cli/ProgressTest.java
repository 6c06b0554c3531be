package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void aBarIsOfCharactersThatTheTerminalHas() {
        assertThat(Progress.bar(0.5, StandardCharsets.UTF_8)).isEqualTo("█".repeat(14) + "░".repeat(14));
        assertThat(Progress.bar(0.5, StandardCharsets.US_ASCII)).isEqualTo("#".repeat(14) + "-".repeat(14));
        assertThat(Progress.bar(1, StandardCharsets.US_ASCII)).isEqualTo("#".repeat(28));
    }
}
