package dev.tidemill.monitoring.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EventClockTest {
    private static final Instant NOW = Instant.parse("2026-11-27T15:00:00Z");
    private static final Instant YEARS_AGO = Instant.parse("2011-04-01T08:00:00Z");
    private static final Duration HORIZON = Duration.ofDays(7);

    private final List<Quarantine> quarantined = new ArrayList<>();
    private boolean rewound;
    private boolean released;

    private EventClock take(EventClock clock, Instant eventTime, Instant receivedAt) {
        EventClock.Taken taken = clock.take(eventTime, receivedAt, HORIZON, true);
        taken.quarantine().ifPresent(quarantined::add);
        rewound |= taken.rewound();
        released |= taken.released();
        return taken.clock();
    }

    @Test
    void theWatermarkFollowsWhatArrives() {
        EventClock clock = EventClock.first(NOW, NOW);
        assertThat(clock.origin()).isEqualTo(Instant.parse("2026-11-27T00:00:00Z"));
        clock = take(clock, NOW, NOW);
        clock = take(clock, NOW.minusSeconds(30), NOW);
        assertThat(clock.watermark()).isEqualTo(NOW);
        clock = take(clock, NOW.plusSeconds(60), NOW.plusSeconds(60));
        assertThat(clock.watermark()).isEqualTo(NOW.plusSeconds(60));
        assertThat(quarantined).isEmpty();
    }

    @Test
    void aFastClockMovesNothing() {
        EventClock clock = take(EventClock.first(NOW, NOW), NOW, NOW);
        for (int i = 0; i < 100; i++) {
            clock = take(clock, NOW.plus(Duration.ofDays(400 + i)), NOW.plusSeconds(i));
        }
        assertThat(clock.watermark()).isEqualTo(NOW);
        assertThat(clock.quarantined()).isEqualTo(100);
        assertThat(clock.cause()).contains(Quarantine.AHEAD_OF_CLOCK);
    }

    @Test
    void aLiveCallBeforeAReplayDoesNotSilenceIt() {
        EventClock clock = take(EventClock.first(NOW, NOW), NOW, NOW);
        for (int hour = 0; hour < 48; hour++) {
            clock = take(clock, YEARS_AGO.plus(Duration.ofHours(hour)), NOW.plusSeconds(hour));
        }
        assertThat(rewound).isTrue();
        assertThat(clock.origin()).isEqualTo(Instant.parse("2011-04-01T00:00:00Z"));
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO.plus(Duration.ofHours(47)));
        assertThat(clock.quarantined()).isEqualTo(1);
        assertThat(clock.cause()).contains(Quarantine.FAR_AHEAD);
    }

    @Test
    void liveCallsDuringAReplayMoveNothing() {
        EventClock clock = take(EventClock.first(YEARS_AGO, NOW), YEARS_AGO, NOW);
        for (int hour = 1; hour < 200; hour++) {
            clock = take(clock, YEARS_AGO.plus(Duration.ofHours(hour)), NOW);
            clock = take(clock, NOW, NOW);
        }
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO.plus(Duration.ofHours(199)));
        assertThat(quarantined).hasSize(199).containsOnly(Quarantine.FAR_AHEAD);
    }

    @Test
    void liveTrafficGoesOnAfterAQuietMonth() {
        EventClock clock = take(EventClock.first(NOW, NOW), NOW, NOW);
        Instant later = NOW.plus(Duration.ofDays(40));
        assertThat(take(clock, later, later).watermark()).isEqualTo(later);
        assertThat(quarantined).isEmpty();
    }

    @Test
    void aReplayWithAGapGoesOnOnceEnoughHasCome() {
        EventClock clock = take(EventClock.first(YEARS_AGO, NOW), YEARS_AGO, NOW);
        Instant after = YEARS_AGO.plus(Duration.ofDays(90));
        for (int hour = 0; hour < 30; hour++) {
            clock = take(clock, after.plus(Duration.ofHours(hour)), NOW);
        }
        assertThat(quarantined).hasSize(19);
        assertThat(released).isTrue();
        assertThat(clock.watermark()).isEqualTo(after.plus(Duration.ofHours(29)));
    }

    @Test
    void aDeclaredWatermarkIsMovedByNothingThatArrives() {
        var clock = new EventClock(YEARS_AGO, YEARS_AGO, true, NOW, 50, 0, 0, Optional.empty());
        clock = take(clock, NOW, NOW);
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO);
    }

    @Test
    void whatHasAHistoryIsNotRewound() {
        var clock = new EventClock(NOW, NOW, false, NOW, 50, 0, 0, Optional.empty());
        assertThat(take(clock, YEARS_AGO, NOW).origin()).isEqualTo(NOW);
        assertThat(rewound).isFalse();
    }
}
