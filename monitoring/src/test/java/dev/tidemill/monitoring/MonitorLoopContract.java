package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.MonitorLoop;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Ticks;
import dev.tidemill.monitoring.domain.Windows;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventQuery;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.testkit.Await;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How deployments are watched side by side, on every database. */
abstract class MonitorLoopContract extends AssembledMonitoring {
    @Test
    void aDeploymentWhoseTicksFailIsShownAsHaltedUntilItGoesOnAndKeepsNoOtherWaiting() {
        for (int i = 0; i < 5; i++) {
            deploy("broken-" + i, BROKEN);
            monitoring.append(hours("broken-" + i, 0, 60));
        }
        deploy("whole");
        monitoring.append(hours("whole", 0, 60));
        watching.loop().start();
        settle("whole");
        Await.until("all of the others to be halted", () -> monitoring.halted() == 5);
        MonitorState.Halt halt =
                monitoring.state("p", "broken-0").orElseThrow().halt().orElseThrow();
        assertThat(halt.reason())
                .startsWith("The reference profile of version 2 of 'm' cannot be read")
                .hasSizeLessThanOrEqualTo(1_000);
        assertThat(halt.since()).isEqualTo(CLOCK.instant());
        assertThat(monitoring.isHalted("p", "whole")).isFalse();
        monitoring.append(hours("whole", 60, 90));
        settle("whole");

        deploy("broken-0", WHOLE);
        settle("broken-0");
        Await.until("it to go on", () -> !monitoring.isHalted("p", "broken-0"));
        assertThat(types("deployment/broken-0")).containsExactly("monitor.halted", "monitor.resumed");
    }

    private List<String> types(String subject) {
        return events
                .newest(new EventQuery(
                        Optional.of("p"),
                        Optional.of("monitor."),
                        Optional.of(subject),
                        Optional.empty(),
                        Optional.empty(),
                        1_000))
                .items()
                .reversed()
                .stream()
                .map(stored -> stored.event().type())
                .filter(type -> type.equals("monitor.halted") || type.equals("monitor.resumed"))
                .toList();
    }

    @Test
    void whatHappensToADeploymentOrItsRetrainingWakesIt() {
        for (String name : List.of("changed", "trained", "other")) {
            deploy(name);
            monitoring.append(hours(name, 0, 60));
        }
        tell(event("deployment.promoted", "deployment/changed"));
        tell(event("pipeline.run.succeeded", "pipeline-run/r").withCause("deployment/trained"));
        tell(event("pipeline.run.succeeded", "pipeline-run/s"));
        tell(event("monitor.window.closed", "deployment/other"));
        settle("changed");
        settle("trained");
        assertThat(monitoring.isSettled("p", "other")).isFalse();
    }

    private static Event event(String type, String subject) {
        return Event.of(type, "p", subject, Event.SYSTEM, Map.of());
    }

    private void tell(Event event) {
        watching.subscribers().getFirst().on(new StoredEvent(1, "e", CLOCK.instant(), event));
    }

    @Test
    void aWatermarkLiesWhereThereAreData() {
        deploy("d");
        monitoring.append(hours("d", 0, 60));
        assertThatThrownBy(() -> monitoring.declareWatermark("p", "d", Instant.parse("1000-01-01T00:00:00Z")))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("is before the first event time");
        assertThat(monitoring.state("p", "d").orElseThrow().clock().declared()).isFalse();
    }

    /** A first row of an unset clock before a declared watermark: the years until the rest are one step. */
    @Test
    void emptyTimeIsSteppedOverAtOnce() {
        var ticks = new AtomicInteger();
        deploy("d");
        Duration before = Duration.ofDays(-200);
        monitoring.append(List.of(prediction("d", "unset", before)));
        monitoring.declareWatermark("p", "d", START.plus(before));
        monitoring.append(hours("d", 0, 60));
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofHours(60)));
        try (MonitorLoop loop = counting(ticks)) {
            loop.start();
            settle("d");
        }
        assertThat(windows("d")).containsExactly(START.plus(before), START, START.plus(Duration.ofDays(1)));
        MonitorState state = monitoring.state("p", "d").orElseThrow();
        assertThat(state.processed()).isEqualTo(START.plus(Duration.ofHours(60)));
        assertThat(ticks.get()).isBetween(60, 200);
    }

    /** A retraining by age that is due in empty time is taken at its tick: here it fails there, since its pipeline is none. */
    @Test
    void noRetrainingThatIsDueIsSteppedOver() {
        var retrain = new Policy.Retrain(
                "absent", Map.of(), 0.15, 2, 3, Optional.of(Duration.ofDays(30)), Duration.ofDays(5));
        var promotion = new Policy.Promotion(
                0.02,
                Duration.ofDays(1),
                Duration.ofDays(1),
                Duration.ofDays(9),
                0.1,
                0.95,
                10,
                Policy.Promotion.DAY,
                Policy.Promotion.WEEK_OF_DAYS);
        deployments.definePolicy("p", "monthly", 1, new Policy(Optional.of(retrain), promotion, InputPolicy.REFUSE));
        deployRuled("d", "monthly");
        monitoring.append(hours("d", 0, 30));
        MonitorState before = monitoring.state("p", "d").orElseThrow();
        assertThat(new SqlMonitorStore(database)
                        .saveProgress(
                                before,
                                new MonitorState(
                                        "p",
                                        "d",
                                        before.clock(),
                                        before.processed(),
                                        before.windowsTill(),
                                        before.slicedTill(),
                                        before.pendingRun(),
                                        before.lastRun(),
                                        Optional.of(START),
                                        0,
                                        Optional.empty())))
                .isTrue();
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(100)));
        watching.loop().start();
        Await.until("the retraining to be due", () -> monitoring.isHalted("p", "d"));
        MonitorState halted = monitoring.state("p", "d").orElseThrow();
        assertThat(halted.halt().orElseThrow().reason()).contains("absent");
        // The next tick is an hour later, at which labels up to the thirtieth day have matured.
        assertThat(halted.processed()).isEqualTo(START.plus(Duration.ofDays(30)));
    }

    /** Runs that ended are removed after a time, also while a server was away. */
    @Test
    void aRetrainingThatIsGoneIsNotWaitedFor() {
        deploy("d");
        monitoring.append(hours("d", 0, 60));
        MonitorState before = monitoring.state("p", "d").orElseThrow();
        assertThat(new SqlMonitorStore(database)
                        .saveProgress(
                                before,
                                new MonitorState(
                                        "p",
                                        "d",
                                        before.clock(),
                                        before.processed(),
                                        before.windowsTill(),
                                        before.slicedTill(),
                                        Optional.of("gone"),
                                        before.lastRun(),
                                        Optional.of(START),
                                        0,
                                        Optional.empty())))
                .isTrue();
        watching.loop().start();
        settle("d");
        assertThat(monitoring.state("p", "d").orElseThrow().pendingRun()).isEmpty();
        assertThat(monitoring.isHalted("p", "d")).isFalse();
    }

    private List<Instant> windows(String name) {
        return monitoring.windows("p", name, CLOCK.instant(), 1_000).items().stream()
                .map(ClosedWindow::startsAt)
                .toList();
    }

    private MonitorLoop counting(AtomicInteger ticks) {
        var store = (MonitorStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {MonitorStore.class}, (proxy, method, given) -> {
                    if (method.getName().equals("saveProgress")) {
                        ticks.incrementAndGet();
                    }
                    return method.isDefault()
                            ? InvocationHandler.invokeDefault(proxy, method, given)
                            : method.invoke(new SqlMonitorStore(database), given);
                });
        var sums = new SqlSliceStore(database);
        var profiles = new Windows(artifacts.blobs(), bytes -> Map.of());
        var journal = new SqlJournalStore(database);
        return new MonitorLoop(
                store,
                sums,
                monitoring,
                new Ticks(store, sums, deployments, rollouts, models, profiles, journal),
                deployments,
                rollouts,
                pipelines,
                database,
                events,
                CLOCK);
    }

    /** Data with gaps of hours, days and months; ticks that do not divide a window: each window has the rows of its day. */
    @Test
    void windowsOfSparseDataHaveTheRowsOfTheirTime() {
        monitoring.defineMonitor(
                "p", "hourly", new Monitor(Duration.ofDays(1), Duration.ofHours(5), Duration.ofHours(7), 0.5, 0.1));
        var random = new Random(12);
        for (int round = 0; round < 4; round++) {
            String name = "d" + round;
            deploy(name);
            var rows = new ArrayList<Prediction>();
            Duration time = Duration.ZERO;
            for (int row = 0; row < 60; row++) {
                rows.add(prediction(name, "row-" + row, time));
                int longest =
                        switch (random.nextInt(8)) {
                            case 0 -> 60 * 24 * 12;
                            case 1 -> 60 * 24 * 2;
                            default -> 600;
                        };
                time = time.plusMinutes(random.nextInt(longest));
            }
            monitoring.append(List.of(rows.getFirst()));
            monitoring.declareWatermark("p", name, START.plus(time));
            monitoring.append(rows);
        }
        watching.loop().start();
        for (int round = 0; round < 4; round++) {
            String name = "d" + round;
            settle(name);
            MonitorState state = monitoring.state("p", name).orElseThrow();
            Instant trusted = state.processed().minus(Duration.ofHours(5));
            var expected = new TreeMap<Instant, Long>();
            monitoring
                    .newest(all(name), Optional.empty(), 100)
                    .items()
                    .forEach(row -> expected.merge(row.eventTime().truncatedTo(ChronoUnit.DAYS), 1L, Long::sum));
            expected.keySet().removeIf(start -> start.plus(Duration.ofDays(1)).isAfter(trusted));
            assertThat(monitoring.windows("p", name, CLOCK.instant(), 1_000).items())
                    .as(name)
                    .extracting(ClosedWindow::startsAt, ClosedWindow::rows)
                    .containsExactlyElementsOf(expected.entrySet().stream()
                            .map(day -> tuple(day.getKey(), day.getValue()))
                            .toList());
        }
    }
}
