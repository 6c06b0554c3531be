package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void aBarIsOfCharactersThatTheTerminalHas() {
        assertThat(Progress.bar(0.5, StandardCharsets.UTF_8)).isEqualTo("█".repeat(14) + "░".repeat(14));
        assertThat(Progress.bar(0.5, StandardCharsets.US_ASCII)).isEqualTo("#".repeat(14) + "-".repeat(14));
        assertThat(Progress.bar(1, StandardCharsets.US_ASCII)).isEqualTo("#".repeat(28));
    }

    /** Between two steps nothing runs, and a run whose first step waits has none that runs. */
    @Test
    void whereNoStepRunsItIsSaidHowManyHaveEnded() throws IOException {
        JsonNode waiting =
                Api.JSON.readTree("[{\"name\":\"a\",\"state\":\"SUCCEEDED\"},{\"name\":\"b\",\"state\":\"READY\"}]");
        assertThat(PipelineWatch.note(waiting)).isEqualTo("1 of 2 steps ended");
        JsonNode running =
                Api.JSON.readTree("[{\"name\":\"a\",\"state\":\"RUNNING\"},{\"name\":\"b\",\"state\":\"RUNNING\"}]");
        assertThat(PipelineWatch.note(running)).isEqualTo("a, b");
    }
}
