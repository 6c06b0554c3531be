package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.testkit.Await;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HousekeepingTest {
    private final AtomicBoolean broken = new AtomicBoolean(true);
    private final AtomicInteger done = new AtomicInteger();
    private final List<Chore> chores = List.of(
            Chore.silent("Old windows", () -> {
                if (broken.get()) {
                    throw new IllegalStateException("no such table");
                }
            }),
            Chore.silent("Blobs", done::incrementAndGet));

    @Test
    void aChoreThatFailsStopsNoOtherAndIsTold() {
        try (var housekeeping = new Housekeeping(chores, Duration.ofHours(1))) {
            assertThatThrownBy(housekeeping::keep)
                    .hasMessageContaining("Old windows")
                    .hasMessageContaining("no such table");
            assertThat(done).hasValue(1);
        }
    }

    @Test
    void itsLoopFailsUntilAllChoresAreWell() {
        try (var housekeeping = new Housekeeping(chores, Duration.ofMillis(20)).start()) {
            Loop loop = housekeeping.loop();
            Await.until("it fails", () -> loop.health().failing().isPresent());
            assertThat(loop.health().reason()).contains("Old windows");
            broken.set(false);
            Await.until(
                    "it is well",
                    () -> loop.health().rounds() > 0 && loop.health().failing().isEmpty());
        }
    }
}
