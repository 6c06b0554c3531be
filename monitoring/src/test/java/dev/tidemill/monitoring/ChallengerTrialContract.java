package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.MonitorLoop;
import dev.tidemill.monitoring.domain.Obstacle;
import dev.tidemill.monitoring.domain.Ticks;
import dev.tidemill.monitoring.domain.Windows;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.testkit.Await;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a challenger is judged tick by tick, on every database. */
abstract class ChallengerTrialContract extends AssembledMonitoring {
    private static final Duration DELAY = Duration.ofHours(12);
    private static final int AN_HOUR = 10;

    private static final Policy.Promotion QUICK = new Policy.Promotion(
            0.02, Duration.ofDays(1), Duration.ofDays(1), Duration.ofDays(9), 0.1, 0.95, 10, Policy.Promotion.DAY, 7);

    private final List<JournalStore.Range> counted = Collections.synchronizedList(new ArrayList<>());

    @Override
    List<ModelRuntime> runtimes() {
        return List.of(new LabelledModels());
    }

    @BeforeEach
    void define() {
        monitoring.defineMonitor("p", "late", new Monitor(Duration.ofDays(1), DELAY, Duration.ofHours(1), 0.5, 0.1));
        var never = new Policy.Promotion(
                0.02,
                Duration.ofDays(300),
                Duration.ofDays(300),
                Duration.ofDays(300),
                0.1,
                0.95,
                1_000_000,
                Policy.Promotion.DAY,
                Policy.Promotion.WEEK_OF_DAYS);
        deployments.definePolicy("p", "never", 1, new Policy(Optional.empty(), never, InputPolicy.REFUSE));
        deployTrial("d", "late", "never");
    }

    private MonitorLoop recording() {
        var journal = (JournalStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {JournalStore.class}, (proxy, method, given) -> {
                    if (method.getName().equals("reliability")) {
                        counted.add((JournalStore.Range) given[0]);
                    }
                    return method.isDefault()
                            ? java.lang.reflect.InvocationHandler.invokeDefault(proxy, method, given)
                            : method.invoke(new SqlJournalStore(database), given);
                });
        var store = new SqlMonitorStore(database);
        var sums = new SqlSliceStore(database);
        var windows = new Windows(artifacts.blobs(), bytes -> Map.of());
        return new MonitorLoop(
                store,
                sums,
                monitoring,
                new Ticks(store, sums, deployments, rollouts, models, windows, journal),
                deployments,
                rollouts,
                pipelines,
                database,
                events,
                CLOCK);
    }

    private static Prediction asked(String id, Duration after, boolean fails) {
        return new Prediction(
                "p",
                "d",
                id,
                START.plus(after),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", 1.0),
                false,
                WHOLE,
                List.of(1.0),
                Optional.of(2),
                fails ? List.of() : List.of(1.0),
                fails ? Optional.of("division by zero") : Optional.empty());
    }

    /** The first few of all fail, not often enough to be no accident. */
    private static List<Prediction> askedHourly(int from, int until) {
        var predictions = new ArrayList<Prediction>();
        for (int row = from * AN_HOUR; row < until * AN_HOUR; row++) {
            predictions.add(asked("row-" + row, Duration.ofMinutes(row * 60L / AN_HOUR), row < 4));
        }
        return predictions;
    }

    private Optional<Decision> decision() {
        return rollouts.lastDecision("p", "d", 2);
    }

    /** What a tick reads does not grow with the trial; rows that come late are counted once their labels would have matured. */
    @Test
    void failuresAreCountedTickByTickAndThoseThatComeLateOnceMore() {
        MonitorLoop loop = recording();
        loop.start();
        try {
            monitoring.append(askedHourly(0, 41));
            settle("d");
            assertThat(decision()).isEmpty();
            var late = new ArrayList<Prediction>();
            for (int i = 0; i < 10; i++) {
                late.add(asked("late-" + i, Duration.ofHours(35).plusMinutes(i), true));
            }
            monitoring.append(late);
            monitoring.append(askedHourly(41, 60));
            Await.until("the challenger to be turned down", () -> decision().isPresent());
        } finally {
            loop.close();
        }
        assertThat(decision().orElseThrow().reason())
                .isEqualTo("fails where the champion answers: on 14 of " + (48 * AN_HOUR + 10) + " rows");
        assertThat(decision().orElseThrow().at()).contains(START.plus(Duration.ofHours(48)));
        assertThat(counted)
                .hasSizeBetween(48, 100)
                .allSatisfy(range -> assertThat(Duration.between(range.from(), range.until()))
                        .isEqualTo(Duration.ofHours(1)));
    }

    /** An error rate is below nearly every distance, however bad it is, and no less good than one. */
    @ParameterizedTest
    @CsvSource({
        LabelledModels.REGRESSION + "," + LabelledModels.NUMBERED + ",3",
        LabelledModels.NUMBERED + "," + LabelledModels.REGRESSION + ",3",
        LabelledModels.REGRESSION + "," + LabelledModels.NUMBERED + ",1"
    })
    void aTrialOfDifferentLossesIsNeverDecided(int champion, int challenger, String label) {
        deployments.definePolicy("p", "quick", 1, new Policy(Optional.empty(), QUICK, InputPolicy.REFUSE));
        deployTrial("e", "hourly", "quick", champion, challenger);
        var rows = new ArrayList<Prediction>();
        var labels = new ArrayList<Label>();
        for (int hour = 0; hour < 24 * 20; hour++) {
            rows.add(new Prediction(
                    "p",
                    "e",
                    "row-" + hour,
                    START.plus(Duration.ofHours(hour)),
                    START.plus(Duration.ofDays(300)),
                    Map.of("hour", 1.0),
                    false,
                    champion,
                    List.of(1.0),
                    Optional.of(challenger),
                    List.of(label.equals("1") ? 2.0 : 1.0),
                    Optional.empty()));
            labels.add(new Label("row-" + hour, label));
        }
        monitoring.append(rows);
        monitoring.label("p", "e", labels);
        watching.loop().start();
        settle("e");
        assertThat(rollouts.decisions("p", "e", Long.MAX_VALUE, 10)).isEmpty();
        assertThat(deployments.deployment("p", "e").challenger()).contains(challenger);
        Obstacle obstacle =
                watching.obstacles().of(deployments.deployment("p", "e")).getFirst();
        assertThat(obstacle.kind()).isEqualTo(Obstacle.Kind.LOSSES_DIFFER);
        assertThat(obstacle.actionNeeded()).isTrue();
        boolean byClass = champion == LabelledModels.NUMBERED;
        assertThat(obstacle.reason())
                .startsWith("version " + challenger + " is in shadow")
                .contains("the champion is scored by " + (byClass ? "whether" : "the distance"))
                .contains("the challenger by " + (byClass ? "the distance" : "whether"))
                .endsWith("(the champion is version " + champion + ")");
        assertThat(obstacle.remedy()).contains("Reject version " + challenger);
    }

    /** Blocks are those of the policy, however seldom is looked. */
    @Test
    void aMonitorThatLooksOnceAWeekKnowsEachDay() {
        monitoring.defineMonitor("p", "weekly", new Monitor(Duration.ofDays(7), DELAY, Duration.ofDays(7), 0.5, 0.1));
        var patient = new Policy.Promotion(
                0.02,
                Duration.ofDays(1),
                Duration.ofDays(1),
                Duration.ofDays(60),
                0.1,
                0.95,
                10,
                Policy.Promotion.DAY,
                7);
        deployments.definePolicy("p", "patient", 1, new Policy(Optional.empty(), patient, InputPolicy.REFUSE));
        deployTrial("e", "weekly", "patient", WHOLE, 2);
        var rows = new ArrayList<Prediction>();
        var labels = new ArrayList<Label>();
        for (int hour = 0; hour < 24 * 30; hour++) {
            rows.add(new Prediction(
                    "p",
                    "e",
                    "row-" + hour,
                    START.plus(Duration.ofHours(hour)),
                    START.plus(Duration.ofDays(300)),
                    Map.of("hour", 1.0),
                    false,
                    WHOLE,
                    List.of(10.0 + hour % 5),
                    Optional.of(2),
                    List.of(10.0 + hour % 2),
                    Optional.empty()));
            labels.add(new Label("row-" + hour, "8"));
        }
        monitoring.append(rows);
        monitoring.label("p", "e", labels);
        watching.loop().start();
        Await.until(
                "the challenger is promoted",
                () -> deployments.deployment("p", "e").champion().equals(Optional.of(2)));
        Decision promoted = rollouts.lastDecision("p", "e", 2).orElseThrow();
        assertThat(promoted.action()).isEqualTo(Decision.Action.PROMOTED);
        assertThat(promoted.at()).contains(START.plus(Duration.ofDays(14)));
        assertThat(promoted.reason()).contains("from 13 blocks of PT24H");
    }
}
