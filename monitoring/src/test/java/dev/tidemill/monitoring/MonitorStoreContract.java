package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.monitoring.domain.ChallengerCalls;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.ColumnFault;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.MeasuredLoss;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Slice;
import dev.tidemill.monitoring.domain.SliceStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a monitor store promises, on every database. */
abstract class MonitorStoreContract {
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");

    private Database database;
    private MonitorStore store;
    private SliceStore sums;

    abstract Database open();

    /** A database without any schema. */
    abstract Database empty();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlMonitorStore(database);
        sums = new SqlSliceStore(database);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private static MonitorState state(Instant first) {
        return new MonitorState(
                "p",
                "d",
                new EventClock(first, first, false, first, 0, EventClock.Apart.NONE, 0, Optional.empty()),
                first,
                first,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                Optional.empty());
    }

    @Test
    void aDeclaredWatermarkNeverGoesBack() {
        store.createState(state(START));
        store.createState(state(Instant.EPOCH));
        assertThat(store.findState("p", "d")).contains(state(START));
        store.declareWatermark("p", "d", START.plusSeconds(3), START.plusSeconds(60));
        store.declareWatermark("p", "d", START.plusSeconds(2), START.plusSeconds(70));
        EventClock clock = store.findState("p", "d").orElseThrow().clock();
        assertThat(clock.declared()).isTrue();
        assertThat(clock.watermark()).isEqualTo(START.plusSeconds(3));
        assertThat(clock.reachedAt()).isEqualTo(START.plusSeconds(70));
    }

    /** When a watermark was declared was not kept before: the time that stands there is that of an early prediction. */
    @Test
    void whoHasDeclaredAWatermarkBeforeAnUpgradeHasNotBeenSilentSince() {
        try (Database older = empty()) {
            older.migrateTo(Map.of("monitoring", "9"));
            String insert = "INSERT INTO monitor_state (project, deployment, origin, watermark, declared, processed,"
                    + " windows_till, reached_at) VALUES ('p', '%s', 0, 1000, %s, 0, 0, 1000)";
            older.<Integer>writing(handle -> handle.execute(insert.formatted("declared", "TRUE"))
                    + handle.execute(insert.formatted("moved", "FALSE")));
            Instant before = Instant.now().minusSeconds(60);
            older.migrate(List.of("monitoring"));
            var upgraded = new SqlMonitorStore(older);
            assertThat(upgraded.findState("p", "declared").orElseThrow().clock().reachedAt())
                    .isBetween(before, before.plusSeconds(600));
            assertThat(upgraded.findState("p", "moved").orElseThrow().clock().reachedAt())
                    .isEqualTo(Instant.ofEpochMilli(1000));
        }
    }

    @Test
    void progressIsSavedOnlyOnWhatWasRead() {
        store.createState(state(START));
        MonitorState before = store.findState("p", "d").orElseThrow();
        var after = new MonitorState(
                "p",
                "d",
                before.clock(),
                START.plusSeconds(9),
                START,
                Optional.of(START),
                Optional.of("run"),
                Optional.of("run"),
                Optional.empty(),
                0,
                Optional.empty());
        assertThat(store.saveProgress(before, after)).isTrue();
        assertThat(store.saveProgress(before, after)).isFalse();
        assertThat(store.findState("p", "d")).contains(after);
        assertThat(store.saveProgress(after, before)).isTrue();
    }

    @Test
    void slicesComeBackAsTheyWere() {
        for (int hour = 0; hour < 5; hour++) {
            sums.addSlice("p", "d", slice(hour), START);
        }
        List<Slice> found = sums.slices("p", "d", START.plus(Duration.ofHours(1)), START.plus(Duration.ofHours(3)));
        assertThat(found).extracting(Slice::rows).containsExactly(11L, 12L);
        assertThat(found.getFirst().counts().get("x")).containsExactly(1, 2, 3);
        assertThat(found.getFirst().kinds()).containsExactly(MeasuredLoss.Kind.CLASS);
        assertThat(sums.trial("p", "d", 2, START.plus(Duration.ofHours(3))))
                .extracting(Evidence.Sums::challenger)
                .containsExactly(3.5, 4.5);
        assertThat(sums.trial("p", "d", 2, START.plus(Duration.ofHours(4))))
                .extracting(Evidence.Sums::unlike)
                .containsExactly(new Evidence.Unlike(3, 0));
        assertThat(sums.trial("p", "d", 3, START)).isEmpty();
        sums.dropProfiles("p", "d", START.plus(Duration.ofHours(2)));
        assertThat(sums.slices("p", "d", START, START.plus(Duration.ofDays(1))))
                .extracting(slice -> slice.counts().size())
                .containsExactly(0, 0, 1, 1, 1);
        assertThat(sums.firstSlice("p", "d", START.plus(Duration.ofMinutes(1))))
                .contains(START.plus(Duration.ofHours(1)));
        assertThat(sums.firstSlice("p", "d", START.plus(Duration.ofHours(5)))).isEmpty();
        sums.forgetSlices("p", "d");
        assertThat(sums.slices("p", "d", START, START.plus(Duration.ofDays(1)))).isEmpty();
    }

    private static Slice slice(int hour) {
        Instant start = START.plus(Duration.ofHours(hour));
        return new Slice(
                start,
                start.plus(Duration.ofHours(1)),
                1,
                10 + hour,
                5,
                2.5,
                Set.of(MeasuredLoss.Kind.CLASS),
                Map.of(2, new Slice.Trial(5, 1.5, hour + 0.5, 3, 0)),
                Map.of("x", new long[] {1, 2, 3}));
    }

    @Test
    void callsOfAChallengerAreSummedAndCountedAgain() {
        for (int hour = 0; hour < 5; hour++) {
            sums.saveCalls("p", "d", calls(hour, 2, 10, hour), START);
        }
        sums.saveCalls("p", "d", calls(3, 3, 99, 9), START);
        sums.saveCalls("p", "e", calls(3, 2, 99, 9), START);
        assertThat(sums.callTotals("p", "d", 2, START))
                .isEqualTo(new SliceStore.CallTotals(
                        new Reliability(50, 10), Optional.of(START.plus(Duration.ofHours(5)))));
        assertThat(sums.callTotals("p", "d", 2, START.plus(Duration.ofHours(3))))
                .isEqualTo(new SliceStore.CallTotals(
                        new Reliability(20, 7), Optional.of(START.plus(Duration.ofHours(5)))));
        assertThat(sums.callTotals("p", "d", 7, START))
                .isEqualTo(new SliceStore.CallTotals(new Reliability(0, 0), Optional.empty()));
        assertThat(sums.callsEnding("p", "d", 2, START.plus(Duration.ofHours(1)), START.plus(Duration.ofHours(3))))
                .containsExactly(calls(1, 2, 10, 1), calls(2, 2, 10, 2));
        sums.saveCalls("p", "d", calls(1, 2, 12, 3), START.plusSeconds(1));
        assertThat(sums.callTotals("p", "d", 2, START).reliability()).isEqualTo(new Reliability(52, 12));
        assertThat(sums.deleteCallsBefore(START.plusSeconds(1), 4)).isEqualTo(4);
        assertThat(sums.deleteCallsBefore(START.plusSeconds(1), 4)).isEqualTo(3);
        sums.saveCalls("p", "d", calls(3, 3, 99, 9), START);
        sums.forgetSlices("p", "d");
        assertThat(sums.callTotals("p", "d", 3, START).until()).isEmpty();
    }

    private static ChallengerCalls calls(int hour, int challenger, long asked, long failed) {
        Instant start = START.plus(Duration.ofHours(hour));
        return new ChallengerCalls(start, start.plus(Duration.ofHours(1)), challenger, new Reliability(asked, failed));
    }

    private static ClosedWindow window(int day) {
        Instant start = START.plus(Duration.ofDays(day));
        return new ClosedWindow(
                start,
                start.plus(Duration.ofDays(1)),
                1,
                24,
                24,
                Optional.of(1.0),
                Optional.empty(),
                false,
                day % 2 == 1,
                day % 2 == 1 ? List.of(new ColumnFault("hour", 0.5, 0.25)) : List.of(),
                Map.of(),
                Map.of());
    }

    @Test
    void theNewestWindowsAreCutInOrder() {
        for (int day = 0; day < 30; day++) {
            store.addWindow("p", "d", window(day), START);
        }
        assertThat(store.newestWindows("p", "d", START, START.plus(Duration.ofDays(11)), 3))
                .extracting(ClosedWindow::startsAt)
                .containsExactly(
                        START.plus(Duration.ofDays(7)), START.plus(Duration.ofDays(8)), START.plus(Duration.ofDays(9)));
        assertThat(store.newestWindows("p", "d", START.plus(Duration.ofDays(29)), START.plus(Duration.ofDays(99)), 3))
                .containsExactly(window(29));
        assertThat(store.lastWindow("p", "d", START.plus(Duration.ofDays(9)))).contains(window(7));
        assertThat(store.lastWindow("p", "d", START)).isEmpty();
    }

    @Test
    void theFirstWindowsThatMeasureAVersionAreFound() {
        for (int day = 0; day < 9; day++) {
            store.addWindow("p", "d", window(day), START);
        }
        assertThat(store.firstMeasuredWindows("p", "d", 1, START.plus(Duration.ofDays(2)), 2))
                .containsExactly(window(2), window(4));
        assertThat(store.firstMeasuredWindows("p", "d", 2, START, 2)).isEmpty();
    }

    @Test
    void whatTheNewestWindowOfAVersionWasHeldAgainstIsFound() {
        for (int day = 0; day < 4; day++) {
            ClosedWindow window = window(day);
            store.addWindow(
                    "p",
                    "d",
                    new ClosedWindow(
                            window.startsAt(),
                            window.endsAt(),
                            window.version(),
                            window.rows(),
                            window.labelled(),
                            window.error(),
                            day == 1 || day == 2 ? Optional.of(10.0 + day) : Optional.empty(),
                            window.degraded(),
                            window.broken(),
                            window.faults(),
                            window.drift(),
                            window.profile()),
                    START);
        }
        assertThat(store.lastReference("p", "d", 1, START)).contains(12.0);
        assertThat(store.lastReference("p", "d", 1, START.plus(Duration.ofDays(3))))
                .isEmpty();
        assertThat(store.lastReference("p", "d", 2, START)).isEmpty();
        assertThat(store.lastReference("p", "other", 1, START)).isEmpty();
    }

    @Test
    void oldWindowsAndSlicesGoFirst() {
        for (int day = 0; day < 6; day++) {
            store.addWindow("p", "d", window(day), START.plusSeconds(day));
            sums.addSlice("p", "d", slice(day), START.plusSeconds(day));
        }
        assertThat(store.deleteWindowsBefore(START.plusSeconds(4), 3)).isEqualTo(3);
        assertThat(store.deleteWindowsBefore(START.plusSeconds(4), 3)).isEqualTo(1);
        assertThat(store.deleteWindowsBefore(START.plusSeconds(4), 3)).isZero();
        assertThat(sums.deleteSlicesBefore(START.plusSeconds(4), 9)).isEqualTo(4);
        assertThat(sums.slices("p", "d", START, START.plus(Duration.ofDays(9)))).hasSize(2);
    }

    @Test
    void aTickIsNotLostToAWatermarkThatMovesMeanwhile() {
        store.createState(state(START));
        Contention.of(
                        10,
                        (thread, turn) -> database.write(() -> {
                            if (thread == 0) {
                                MonitorState before = store.findState("p", "d").orElseThrow();
                                Instant next = before.processed().plusSeconds(1);
                                assertThat(store.saveProgress(before, processed(before, next)))
                                        .isTrue();
                            } else {
                                store.declareWatermark("p", "d", START.plusSeconds(turn * 8L + thread), START);
                            }
                            return true;
                        }))
                .allAnswered();
        MonitorState after = store.findState("p", "d").orElseThrow();
        assertThat(after.processed()).isEqualTo(START.plusSeconds(10));
        assertThat(after.clock().watermark()).isEqualTo(START.plusSeconds(79));
    }

    private static MonitorState processed(MonitorState before, Instant tick) {
        return new MonitorState(
                "p",
                "d",
                before.clock(),
                tick,
                tick,
                Optional.of(tick),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                Optional.empty());
    }
}
