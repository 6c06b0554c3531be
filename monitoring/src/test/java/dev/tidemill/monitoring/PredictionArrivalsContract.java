package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.monitoring.domain.Quarantine;
import dev.tidemill.monitoring.domain.ReceivedLabels;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.testkit.Contention;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What becomes of predictions as they arrive, on every database. */
abstract class PredictionArrivalsContract extends AssembledMonitoring {
    @Test
    void whatIsSentAgainDoesNotMoveTheClock() {
        deploy("d");
        monitoring.append(hours("d", 0, 100));
        EventClock before = clock("d");
        assertThat(before.believed()).isEqualTo(100);
        monitoring.append(hours("d", 0, 100));
        assertThat(clock("d")).isEqualTo(before);
        Prediction odd = prediction("d", "odd", Duration.ofDays(90));
        for (int i = 0; i < 30; i++) {
            monitoring.append(List.of(odd, odd));
        }
        assertThat(clock("d").watermark()).as("one odd row is one row").isEqualTo(before.watermark());
        assertThat(clock("d").quarantined()).isEqualTo(1);
        assertThat(clock("d").apart().ahead()).isEqualTo(1);
        assertThat(rows("d")).isEqualTo(101);
    }

    @Test
    void aLabelOfAnIdThatStandsForTwoAnswersIsJoinedToNeither() {
        deploy("d");
        monitoring.append(hours("d", 0, 100));
        EventClock before = clock("d");
        Prediction another = prediction("d", "row-1", Duration.ofHours(101));
        assertThat(monitoring.append(List.of(another))).isEqualTo(new PredictionSink.Taken(0, List.of(another)));
        assertThat(clock("d")).isEqualTo(before);
        assertThat(monitoring.label("p", "d", List.of(new Label("row-1", "1"), new Label("none", "1"))))
                .isEqualTo(new ReceivedLabels(0, 0, 0, List.of("none"), List.of("row-1"), 0, List.of()));
        assertThat(monitoring.newest(all("d"), Optional.empty(), 200).items())
                .hasSize(100)
                .allMatch(row -> row.label().isEmpty());
    }

    @Test
    void batchesOfTheSameDeploymentsInAnyOrderDoNotRefuseEachOther() {
        var names = new ArrayList<String>();
        for (int i = 0; i < 12; i++) {
            names.add("d" + i);
            deploy("d" + i);
        }
        Contention.of(6, (thread, turn) -> {
                    var shuffled = new ArrayList<>(names);
                    Collections.shuffle(shuffled, new Random(thread * 100L + turn));
                    monitoring.append(shuffled.stream()
                            .map(name -> prediction(name, thread + "/" + turn, Duration.ofHours(turn)))
                            .toList());
                    return true;
                })
                .allAnswered();
        assertThat(names).allSatisfy(name -> {
            assertThat(rows(name)).isEqualTo(6L * Contention.THREADS);
            assertThat(clock(name).believed()).isEqualTo(6L * Contention.THREADS);
        });
    }

    @Test
    void statesAreHeldInOneOrderWhateverTheOrderOfABatch() {
        var held = new ArrayList<String>();
        var store = (MonitorStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {MonitorStore.class}, (proxy, method, given) -> {
                    if (method.getName().equals("lockState")) {
                        held.add((String) given[1]);
                    }
                    return method.invoke(new SqlMonitorStore(database), given);
                });
        var recorded = new Monitoring(
                store,
                new SqlSliceStore(database),
                new SqlJournalStore(database),
                deployments,
                rollouts,
                models,
                gateway,
                cache,
                database,
                events,
                CLOCK);
        var batch = new ArrayList<Prediction>();
        for (String name : List.of("c", "a", "d", "b")) {
            deploy(name);
            batch.add(prediction(name, "row", Duration.ofHours(1)));
        }
        monitoring.append(batch);
        recorded.append(batch);
        assertThat(held).containsExactly("a", "b", "c", "d");
    }

    /** However the rows come, the windows are those of the rows that are not odd, and the odd one is held and counted. */
    @Test
    void aFirstRowOfAnUnsetClockDefinesNoWindow() {
        Instant unset = Instant.EPOCH.plusSeconds(5);
        Prediction odd = prediction("d", "unset", Duration.between(START, unset));
        for (String name : List.of("alone", "together", "shuffled")) {
            deploy(name);
        }
        monitoring.append(List.of(of("alone", odd)));
        hours("alone", 0, 60).forEach(row -> monitoring.append(List.of(row)));
        var together = new ArrayList<>(List.of(of("together", odd)));
        together.addAll(hours("together", 0, 60));
        monitoring.append(together);
        var shuffled = new ArrayList<>(hours("shuffled", 0, 60));
        shuffled.add(of("shuffled", odd));
        Collections.shuffle(shuffled, new Random(5));
        monitoring.append(shuffled);
        watching.loop().start();
        for (String name : List.of("alone", "together", "shuffled")) {
            settle(name);
            EventClock clock = clock(name);
            assertThat(clock.origin()).as(name).isEqualTo(START);
            assertThat(clock.quarantined()).as(name).isOne();
            assertThat(clock.cause()).as(name).contains(Quarantine.FAR_BEHIND);
            assertThat(monitoring.newest(all(name), Optional.empty(), 100).items().stream()
                            .filter(row -> row.quarantine().isPresent()))
                    .as(name)
                    .extracting(JournalRow::id)
                    .containsExactly("unset");
            assertThat(monitoring.windows("p", name, CLOCK.instant(), 100).items())
                    .as(name)
                    .extracting(ClosedWindow::startsAt)
                    .containsExactly(START, START.plus(Duration.ofDays(1)));
        }
    }

    /** Data that goes on after a gap of months, whose batches come out of order: all of its rows count in the end. */
    @Test
    void noRowStaysHeldAfterAGapWhateverTheOrderOfItsBatches() {
        for (String name : List.of("alone", "together")) {
            deploy(name);
            monitoring.append(hours(name, 0, 60));
            List<Prediction> later = new ArrayList<>(hours(name, 24 * 90, 24 * 90 + 40));
            Collections.shuffle(later, new Random(9));
            if (name.equals("alone")) {
                later.forEach(row -> monitoring.append(List.of(row)));
            } else {
                monitoring.append(later);
            }
            assertThat(monitoring.newest(all(name), Optional.empty(), 100).items().stream()
                            .filter(row -> row.quarantine().isPresent()))
                    .as(name)
                    .isEmpty();
            assertThat(clock(name).quarantined()).as(name).isZero();
            assertThat(clock(name).watermark()).as(name).isEqualTo(START.plus(Duration.ofHours(24 * 90 + 39)));
        }
    }

    /** Rows a day apart, of which the twentieth is amid the others: the watermark is the latest of all, and none stays held. */
    @Test
    void theWatermarkIsTheLatestOfThoseThatAreReleased() {
        for (int round = 0; round < 5; round++) {
            String name = "d" + round;
            deploy(name);
            monitoring.append(hours(name, 0, 60));
            var later = new ArrayList<Prediction>();
            for (int day = 90; day < 130; day++) {
                later.add(prediction(name, "day-" + day, Duration.ofDays(day)));
            }
            Collections.shuffle(later, new Random(round));
            monitoring.append(later);
            assertThat(clock(name).watermark()).as(name).isEqualTo(START.plus(Duration.ofDays(129)));
            assertThat(held(name)).as(name).isEmpty();
            assertThat(clock(name).quarantined()).as(name).isZero();
        }
    }

    /** One row far ahead of the rest, which goes on step by step: it counts once the data has come to it. */
    @Test
    void aRowThatWasHeldCountsOnceTheDataHasComeToIt() {
        for (String name : List.of("alone", "together", "declared")) {
            deploy(name);
            monitoring.append(hours(name, 0, 60));
            monitoring.append(List.of(prediction(name, "odd", Duration.ofDays(20))));
            assertThat(held(name)).containsExactly("odd");
            var days = new ArrayList<Prediction>();
            for (int day = 3; day < 30; day++) {
                days.add(prediction(name, "day-" + day, Duration.ofDays(day)));
            }
            switch (name) {
                case "alone" -> days.forEach(day -> monitoring.append(List.of(day)));
                case "together" -> monitoring.append(days);
                default -> {
                    monitoring.declareWatermark("p", name, START.plus(Duration.ofDays(19)));
                    assertThat(held(name)).containsExactly("odd");
                    monitoring.declareWatermark("p", name, START.plus(Duration.ofDays(29)));
                }
            }
            assertThat(held(name)).as(name).isEmpty();
            assertThat(clock(name).quarantined()).as(name).isZero();
            assertThat(clock(name).cause()).as(name).isEmpty();
            assertThat(clock(name).watermark()).as(name).isEqualTo(START.plus(Duration.ofDays(29)));
        }
    }

    private List<String> held(String name) {
        return monitoring.newest(all(name), Optional.empty(), 100).items().stream()
                .filter(row -> row.quarantine().isPresent())
                .map(JournalRow::id)
                .toList();
    }
}
