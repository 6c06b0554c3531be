package dev.tidemill.platform.children;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ChildPoolTest {
    /** @param fails whether what the task tells is refused by who hears it */
    private record Hearing(boolean fails) implements ChildTask.Report {
        @Override
        public void log(String line) {}

        @Override
        public void metric(String key, long step, double value) {
            if (fails) {
                throw TidemillException.invalid("metric", "no room for '" + key + "'");
            }
        }

        @Override
        public void progress(long done, long total) {}
    }

    private static JsonNode echo(ChildPool pool, int value, boolean fails) {
        return pool.run(EchoTask.NAME, Json.object().put("value", value), new Hearing(fails), Duration.ofMinutes(1));
    }

    @Test
    void aChildWhoseAnswerWasNotReadAnswersNobodyElse() {
        try (var pool = new ChildPool("test", 1, 64)) {
            assertThat(echo(pool, 1, false).path("value").asInt()).isEqualTo(1);
            assertThatThrownBy(() -> echo(pool, 2, true)).hasMessage("no room for 'echoed'");
            assertThat(echo(pool, 3, false).path("value").asInt()).isEqualTo(3);
        }
    }
}
