package dev.tidemill.monitoring.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EventClockTest {
    private static final Instant NOW = Instant.parse("2026-11-27T15:00:00Z");
    private static final Instant YEARS_AGO = Instant.parse("2011-04-01T08:00:00Z");
    private static final Duration HORIZON = Duration.ofDays(7);

    private final List<Quarantine> quarantined = new ArrayList<>();
    private boolean restarted;
    private boolean released;
    private final List<Instant> held = new ArrayList<>();

    private EventClock take(EventClock clock, Instant eventTime, Instant receivedAt) {
        EventClock.Taken taken = clock.take(eventTime, receivedAt, HORIZON, true);
        taken.quarantine().ifPresent(quarantined::add);
        restarted |= taken.restarted();
        released |= taken.released().isPresent();
        if (taken.quarantine().filter(Quarantine::isFar).isPresent()) {
            held.add(eventTime);
        }
        taken.released().ifPresent(interval -> held.removeIf(interval::holds));
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
        assertThat(restarted).isTrue();
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

    /** In whatever order they come that make up enough: nothing stays held that would be believed if it came now. */
    @Test
    void whatIsBelievedAfterAGapIsReleasedHoweverLateInItsBatch() {
        for (int before : new int[] {1, 50}) {
            var random = new Random(before);
            for (int round = 0; round < 50; round++) {
                held.clear();
                EventClock clock = EventClock.first(YEARS_AGO, NOW);
                for (int hour = 0; hour < before; hour++) {
                    clock = take(clock, YEARS_AGO.plus(Duration.ofHours(hour)), NOW);
                }
                var batch = new ArrayList<Instant>();
                for (int hour = 0; hour < 20; hour++) {
                    batch.add(YEARS_AGO.plus(Duration.ofDays(90)).plus(Duration.ofHours(hour)));
                }
                Collections.shuffle(batch, random);
                Instant muchLater = YEARS_AGO.plus(Duration.ofDays(120));
                clock = take(clock, muchLater, NOW);
                for (Instant time : batch) {
                    clock = take(clock, time, NOW);
                }
                assertThat(clock.watermark())
                        .isBetween(batch.stream().min(Instant::compareTo).orElseThrow(), muchLater);
                assertThat(held).as("after %d, round %d", before, round).containsExactly(muchLater);
            }
        }
    }

    /** One of a fast clock in a replay: it counts for nothing until the data itself has come there, and then it counts. */
    @Test
    void whatWasHeldAheadIsReleasedWhenTheWatermarkHasComeToIt() {
        Instant odd = YEARS_AGO.plus(Duration.ofDays(30));
        EventClock clock = take(EventClock.first(YEARS_AGO, NOW), YEARS_AGO, NOW);
        clock = take(clock, odd, NOW);
        for (int day = 1; day < 40; day++) {
            Instant time = YEARS_AGO.plus(Duration.ofDays(day));
            clock = take(clock, time, NOW);
            assertThat(clock.watermark()).isEqualTo(time);
            assertThat(held).as("day %d", day).isEqualTo(time.isBefore(odd) ? List.of(odd) : List.of());
        }
        assertThat(restarted).isFalse();
    }

    @Test
    void aDeclaredWatermarkIsMovedByNothingThatArrives() {
        var clock = new EventClock(YEARS_AGO, YEARS_AGO, true, NOW, 50, EventClock.Apart.NONE, 0, Optional.empty());
        clock = take(clock, NOW, NOW);
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO);
    }

    private static EventClock declared(Instant watermark, Instant at) {
        return new EventClock(YEARS_AGO, watermark, true, at, 50, EventClock.Apart.NONE, 0, Optional.empty());
    }

    /** A replay up to the present, and then live calls: they wait for the sender as long as it may be silent, and then go on without it. */
    @Test
    void liveCallsAfterAReplayMoveEventTimeOnOnceNobodyDeclaresItAnyMore() {
        EventClock clock = declared(NOW, NOW);
        for (int hour = 1; hour <= EventClock.SILENCE.toHours() + 50; hour++) {
            Instant now = NOW.plus(Duration.ofHours(hour));
            clock = take(clock, now, now);
            boolean silent = hour > EventClock.SILENCE.toHours();
            assertThat(clock.watermark()).as("hour %d", hour).isEqualTo(silent ? now : NOW);
            assertThat(clock.declared()).as("hour %d", hour).isEqualTo(!silent);
        }
        assertThat(quarantined)
                .as("those that come when they are far ahead")
                .hasSize((int) EventClock.SILENCE.minus(HORIZON).toHours())
                .containsOnly(Quarantine.FAR_AHEAD);
        assertThat(held).as("all count in the end").isEmpty();
    }

    /** What is sent on Monday for the week before, with a holiday once, waits for its watermark, its newest rows too. */
    @Test
    void whoDeclaresEachWeekKeepsTheClock() {
        EventClock clock = declared(NOW, NOW);
        Instant monday = NOW;
        for (int weeks : new int[] {1, 1, 2, 1}) {
            Duration pause = Duration.ofDays(7L * weeks);
            Instant sent = monday.plus(pause);
            for (long hour = 1; hour < pause.toHours(); hour++) {
                clock = take(clock, monday.plus(Duration.ofHours(hour)), sent);
                assertThat(clock.declared()).isTrue();
                assertThat(clock.watermark()).isEqualTo(monday);
            }
            monday = sent;
            clock = declared(monday, monday);
        }
    }

    @Test
    void oneLiveCallFarAheadOfADeclaredWatermarkIsHeldAndMovesNothing() {
        for (Duration since : List.of(Duration.ZERO, EventClock.SILENCE.multipliedBy(9))) {
            quarantined.clear();
            Instant now = NOW.plus(since);
            EventClock clock = take(declared(YEARS_AGO, NOW), now, now);
            assertThat(quarantined).containsExactly(Quarantine.FAR_AHEAD);
            assertThat(clock.watermark()).isEqualTo(YEARS_AGO);
            assertThat(clock.declared()).isTrue();
        }
    }

    /** A replay of years ago, and then calls without event_time. */
    @Test
    void goingLiveAfterAReplayTakesManyCallsAndASilentSender() {
        EventClock clock = declared(YEARS_AGO, NOW);
        for (int minute = 0; minute < 100; minute++) {
            Instant now = NOW.plus(Duration.ofMinutes(minute));
            clock = take(clock, now, now);
        }
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO);
        assertThat(clock.declared()).isTrue();
        assertThat(quarantined).hasSize(100).containsOnly(Quarantine.FAR_AHEAD);
        assertThat(held).hasSize(100);
        for (int hour = 1; hour < 52; hour++) {
            Instant now = NOW.plus(EventClock.SILENCE).plus(Duration.ofHours(hour));
            clock = take(clock, now, now);
            assertThat(clock.watermark()).isEqualTo(now);
        }
        assertThat(clock.declared()).isFalse();
        assertThat(held).as("all of the live ones count").isEmpty();
        assertThat(clock.origin()).as("nothing starts again").isEqualTo(YEARS_AGO);
    }

    /** However long its sender pauses: what is past waits for the watermark, and live calls among it never are many in a row. */
    @Test
    void aReplayThatDeclaresIsCarriedAwayByNothingThatIsPastOrBetween() {
        EventClock clock = declared(YEARS_AGO, NOW);
        Instant later = NOW.plus(EventClock.SILENCE.multipliedBy(3));
        for (int hour = 0; hour < 1_000; hour++) {
            clock = take(clock, YEARS_AGO.plus(Duration.ofHours(hour)), later);
            clock = take(clock, later, later);
        }
        assertThat(clock.watermark()).isEqualTo(YEARS_AGO);
        assertThat(clock.declared()).isTrue();
        assertThat(quarantined).hasSize(1_000).containsOnly(Quarantine.FAR_AHEAD);
    }

    @Test
    void whatMovesEventTimeAndWhatToDoIsSaidAsItIs() {
        EventClock clock = take(declared(YEARS_AGO, NOW), NOW, NOW);
        assertThat(clock.moves()).contains("next watermark that is declared", NOW.toString(), "14 days");
        assertThat(clock.remedy().orElseThrow()).contains("20 in a row", "14 days", "declare one");
        EventClock free = EventClock.first(NOW, NOW);
        assertThat(free.moves()).contains("moves with predictions");
        assertThat(free.remedy()).isEmpty();
    }

    @Test
    void whatHasAHistoryIsNotRewound() {
        var clock = new EventClock(NOW, NOW, false, NOW, 50, EventClock.Apart.NONE, 0, Optional.empty());
        assertThat(take(clock, YEARS_AGO, NOW).origin()).isEqualTo(NOW);
        assertThat(restarted).isFalse();
    }

    private static final Instant UNSET = Instant.EPOCH.plusSeconds(3);

    @Test
    void aFirstOneOfAnUnsetClockDoesNotTellWhereTheDataBegins() {
        EventClock clock = take(EventClock.first(UNSET, NOW), UNSET, NOW);
        for (int minute = 0; minute < 30; minute++) {
            Instant now = NOW.plusSeconds(60L * minute);
            clock = take(clock, now, now);
        }
        assertThat(clock.origin()).isEqualTo(Instant.parse("2026-11-27T00:00:00Z"));
        assertThat(clock.watermark()).isEqualTo(NOW.plusSeconds(60 * 29));
        assertThat(clock.cause()).contains(Quarantine.FAR_BEHIND);
        assertThat(restarted).isTrue();
    }

    @Test
    void aLaterOneOfAnUnsetClockMovesNothingHoweverSoonItComes() {
        for (int before = 1; before < 30; before++) {
            EventClock clock = EventClock.first(NOW, NOW);
            for (int minute = 0; minute < before; minute++) {
                clock = take(clock, NOW.plusSeconds(60L * minute), NOW.plusSeconds(60L * minute));
            }
            EventClock after = take(clock, UNSET, NOW.plusSeconds(7200));
            assertThat(after.origin()).isEqualTo(clock.origin());
            assertThat(after.watermark()).isEqualTo(clock.watermark());
            assertThat(after.quarantined()).isOne();
            assertThat(after.cause()).contains(Quarantine.FAR_BEHIND);
        }
        assertThat(restarted).isFalse();
    }

    @Test
    void aFewAreOddWhereMoreAreFarFromThem() {
        assertThat(EventClock.start(List.of(NOW, UNSET, NOW.minusSeconds(9)), HORIZON))
                .isEqualTo(NOW.minusSeconds(9));
        assertThat(EventClock.start(List.of(UNSET), HORIZON)).isEqualTo(UNSET);
        assertThat(EventClock.start(List.of(NOW, UNSET), HORIZON)).isEqualTo(UNSET);
        assertThat(EventClock.start(List.of(NOW, YEARS_AGO, UNSET, NOW, NOW), HORIZON))
                .isEqualTo(NOW);
        var year = new ArrayList<Instant>();
        for (int day = 0; day < 365; day++) {
            year.add(YEARS_AGO.plus(Duration.ofDays(day)));
        }
        assertThat(EventClock.start(year.reversed(), HORIZON)).isEqualTo(YEARS_AGO);
    }

    /** Whatever one odd row comes among the first hundred: where the data begins and how far it has come is as without it. */
    @Test
    void oneOddRowChangesNothing() {
        var random = new Random(7);
        for (int round = 0; round < 500; round++) {
            boolean live = random.nextBoolean();
            int place = random.nextInt(60);
            Instant odd = random.nextBoolean() ? UNSET : NOW.minus(Duration.ofDays(random.nextInt(20, 9_000)));
            Optional<EventClock> with = Optional.empty();
            Optional<EventClock> without = Optional.empty();
            for (int hour = 0; hour < 100; hour++) {
                Instant received = NOW.plus(Duration.ofHours(live ? hour : 100));
                Instant time = live ? received : YEARS_AGO.plus(Duration.ofHours(hour));
                if (hour == place && Duration.between(odd, time).abs().compareTo(HORIZON.multipliedBy(2)) > 0) {
                    with = Optional.of(take(with.orElse(EventClock.first(odd, received)), odd, received));
                }
                with = Optional.of(take(with.orElse(EventClock.first(time, received)), time, received));
                without = Optional.of(take(without.orElse(EventClock.first(time, received)), time, received));
            }
            assertThat(with.orElseThrow().origin())
                    .as("round %d", round)
                    .isEqualTo(without.orElseThrow().origin());
            assertThat(with.orElseThrow().watermark())
                    .as("round %d", round)
                    .isEqualTo(without.orElseThrow().watermark());
        }
    }
}
