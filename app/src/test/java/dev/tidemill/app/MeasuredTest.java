package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.testkit.MovableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MeasuredTest {
    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-27T12:00:00Z"));
    private final Queue<Runnable> background = new ArrayDeque<>();
    private final AtomicInteger measurements = new AtomicInteger();
    private final Measured<Integer> measured = new Measured<>(
            "figure",
            () -> {
                if (measurements.incrementAndGet() == 2) {
                    throw new IllegalStateException("away");
                }
                return measurements.get();
            },
            background::add,
            clock);

    private void measure() {
        Objects.requireNonNull(background.poll()).run();
    }

    @Test
    void whoeverAsksIsToldWhatWasFoundLastAndMeasuresNothing() {
        assertThat(measured.newest()).isEmpty();
        assertThat(measured.ageSeconds()).isNaN();
        assertThat(measurements).as("nobody waits").hasValue(0);
        assertThat(background).as("one measurement at a time").hasSize(1);
        measure();
        assertThat(measured.newest().orElseThrow().value()).isEqualTo(1);
        clock.advance(Duration.ofSeconds(30));
        assertThat(measured.ageSeconds()).isEqualTo(30);
        clock.advance(Measured.FRESH.minusSeconds(31));
        assertThat(measured.newest()).isPresent();
        assertThat(background).as("it is fresh").isEmpty();
    }

    @Test
    void aMeasurementThatFailsIsTriedAgainLaterAndTheOldOneStays() {
        measured.newest();
        measure();
        clock.advance(Measured.FRESH);
        measured.newest();
        measure();
        assertThat(measured.newest().orElseThrow().value()).isEqualTo(1);
        assertThat(background).isEmpty();
        clock.advance(Measured.FRESH);
        measured.newest();
        measure();
        assertThat(measured.newest().orElseThrow().value()).isEqualTo(3);
    }

    @Test
    void thePatientWaitForTheFirstMeasurementAndForNoLaterOne() {
        var immediate = new Measured<>("figure", measurements::incrementAndGet, Runnable::run, clock);
        assertThat(immediate.newest(Duration.ZERO).orElseThrow().value()).isEqualTo(1);
        assertThat(measured.newest(Duration.ofMillis(1))).as("it has not begun").isEmpty();
        var aside = new Measured<>(
                "figure",
                measurements::incrementAndGet,
                work -> Thread.ofVirtual().start(work),
                clock);
        assertThat(aside.newest(Duration.ofMinutes(1)).orElseThrow().value()).isEqualTo(2);
    }
}
