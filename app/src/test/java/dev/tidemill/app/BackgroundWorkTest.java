package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.testkit.Await;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BackgroundWorkTest {
    @Test
    void aLoopThatFailsForHalfAMinuteIsNamedAndMeasured() {
        try (var telemetry = new Telemetry(Optional.empty());
                var broken = new Loop("broken", Duration.ofMillis(1), () -> {
                    throw new IllegalStateException("a secret of the database");
                });
                var well = new Loop("well", Duration.ofMillis(1), () -> Thread.sleep(1))) {
            broken.start();
            well.start();
            Await.until(
                    "rounds of both",
                    () -> broken.health().failures() > 1 && well.health().rounds() > 0);

            var now = new BackgroundWork(List.of(broken, well), Clock.systemUTC());
            assertThat(now.failing()).isEmpty();

            var later =
                    new BackgroundWork(List.of(broken, well), Clock.offset(Clock.systemUTC(), Duration.ofMinutes(2)));
            assertThat(later.failing()).containsExactly("broken");
            assertThat(later.describe()).singleElement().satisfies(view -> {
                assertThat(view).containsEntry("name", "broken").containsKey("failingSince");
                assertThat(String.valueOf(view.get("reason"))).contains("a secret of the database");
            });
            later.publish(telemetry);
            // What is asked for the figures must outlive a collection.
            System.gc();
            assertThat(telemetry.scrape())
                    .containsPattern("tidemill_loop_rounds_total\\{loop=\"well\"} [1-9]")
                    .containsPattern("tidemill_loop_failures_total\\{loop=\"broken\"} [1-9]")
                    .containsPattern("tidemill_loop_failing_seconds\\{loop=\"broken\"} 1[12]")
                    .containsPattern("tidemill_loop_failing_seconds\\{loop=\"well\"} 0");
        }
    }
}
