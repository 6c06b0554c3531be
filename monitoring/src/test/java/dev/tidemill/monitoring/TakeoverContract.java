package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.platform.events.EventQuery;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.Await;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** To which version windows count that close when another has become champion, on every database. */
abstract class TakeoverContract extends AssembledMonitoring {
    private static final int FIRST = 31;
    private static final int SECOND = 32;

    @Override
    List<ModelRuntime> runtimes() {
        return List.of(new LabelledModels());
    }

    @BeforeEach
    void define() {
        var versions = new SqlVersionStore(database);
        for (var entry : Map.of(FIRST, 10.0, SECOND, 0.1).entrySet()) {
            int number = entry.getKey();
            versions.insert(version(
                    number,
                    Folder.store(artifacts.blobs(), Map.of("model", bytes("m" + number))),
                    Map.of("error", entry.getValue())));
        }
        monitoring.defineMonitor(
                "p", "late", new Monitor(Duration.ofDays(1), Duration.ofDays(3), Duration.ofHours(1), 0.5, 0.1));
        deployments.define(
                "p",
                "d",
                new Deployment.Definition(
                        "m", Optional.empty(), Optional.of("late"), Optional.empty(), Optional.empty()));
        rollouts.offer("p", "d", FIRST, Map.of(), Optional.of(START), "run/offer", "tester");
    }

    /** Predictions of 1 whose labels are 2, as if the version had made them. */
    private void served(int from, int until) {
        monitoring.append(hours("d", from, until));
        var labels = new ArrayList<Label>();
        for (int hour = from; hour < until; hour++) {
            labels.add(new Label("row-" + hour, "2"));
        }
        monitoring.label("p", "d", labels);
    }

    private void decideUntil(int hour) {
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofHours(hour)));
        settle("d");
    }

    private List<ClosedWindow> windows() {
        return monitoring.windows("p", "d", CLOCK.instant(), 1_000).items();
    }

    /** Labels come three days after; the second version takes over in the midst of the third day. */
    @Test
    void aWindowCountsToTheVersionThatWasChampionWhenItBegan() {
        watching.loop().start();
        served(0, 60);
        decideUntil(60);
        assertThat(windows()).isEmpty();
        rollouts.rollBack("p", "d", SECOND, "tester");
        served(60, 5 * 24);
        decideUntil(9 * 24);
        assertThat(windows())
                .extracting(ClosedWindow::version, ClosedWindow::referenceError, ClosedWindow::degraded)
                .containsExactly(
                        tuple(FIRST, Optional.of(10.0), false),
                        tuple(FIRST, Optional.of(10.0), false),
                        tuple(FIRST, Optional.of(10.0), false),
                        tuple(SECOND, Optional.of(0.1), true),
                        tuple(SECOND, Optional.of(0.1), true));
        assertThat(windows()).extracting(ClosedWindow::error).containsOnly(Optional.of(1.0));
        assertThat(degraded()).containsExactly(START.plus(Duration.ofDays(4)), START.plus(Duration.ofDays(5)));
    }

    /** Both versions are there before anybody has called: the trial's time is that of the data. */
    @Test
    void aVersionThatIsOfferedBeforeAnyDataCameLeavesTheShadowAsAnyOther() {
        var promotion = new Policy.Promotion(
                0.02,
                Duration.ofDays(1),
                Duration.ofDays(300),
                Duration.ofDays(300),
                0.1,
                0.95,
                10,
                Policy.Promotion.DAY,
                Policy.Promotion.WEEK_OF_DAYS);
        deployments.definePolicy("p", "quick", 1, new Policy(Optional.empty(), promotion, InputPolicy.REFUSE));
        deployments.define(
                "p",
                "new",
                new Deployment.Definition(
                        "m", Optional.empty(), Optional.of("late"), Optional.of("quick"), Optional.empty()));
        rollouts.offer("p", "new", FIRST, Map.of(), Optional.empty(), "run/new-1", "tester");
        Deployment offered = rollouts.offer(
                "p",
                "new",
                SECOND,
                Map.of("error", 1.0, "champion_error", 1.0),
                Optional.empty(),
                "run/new-2",
                "tester");
        assertThat(offered.phase()).isEqualTo(Deployment.Phase.SHADOW);
        watching.loop().start();
        var asked = new ArrayList<Prediction>();
        var labels = new ArrayList<Label>();
        for (int hour = 0; hour < 5 * 24; hour++) {
            asked.add(tried("row-" + hour, Duration.ofHours(hour)));
            labels.add(new Label("row-" + hour, "2"));
        }
        monitoring.append(asked);
        monitoring.label("p", "new", labels);
        monitoring.declareWatermark("p", "new", START.plus(Duration.ofDays(8)));
        settle("new");
        assertThat(deployments.deployment("p", "new").phase()).isEqualTo(Deployment.Phase.CANARY);
    }

    /** The champion answers 1, its challenger 2. */
    private static Prediction tried(String id, Duration after) {
        return new Prediction(
                "p",
                "new",
                id,
                START.plus(after),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", 1.0),
                false,
                FIRST,
                List.of(1.0),
                Optional.of(SECOND),
                List.of(2.0),
                Optional.empty());
    }

    /** Whoever replaced a version may delete it before the labels of its rows have come. */
    @Test
    void aWindowOfAVersionThatIsDeletedIsHeldAgainstNothing() {
        watching.loop().start();
        served(0, 48);
        decideUntil(48);
        rollouts.rollBack("p", "d", SECOND, "tester");
        models.deleteVersion("p", "m", FIRST, "tester");
        served(48, 72);
        decideUntil(7 * 24);
        assertThat(windows())
                .extracting(ClosedWindow::version, ClosedWindow::referenceError, ClosedWindow::degraded)
                .containsExactly(
                        tuple(FIRST, Optional.empty(), false),
                        tuple(FIRST, Optional.empty(), false),
                        tuple(SECOND, Optional.of(0.1), true));
    }

    /** While monitoring is halted event time stands still, so that in it such a version was never champion. */
    @Test
    void aVersionWhoseReferenceCannotBeReadKeepsNoWindowOpenOnceAnotherServes() {
        rollouts.rollBack("p", "d", BROKEN, "tester");
        monitoring.append(hours("d", 0, 48));
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(1)));
        watching.loop().start();
        Await.until("it to be halted", () -> monitoring.isHalted("p", "d"));
        rollouts.rollBack("p", "d", SECOND, "tester");
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(9)));
        settle("d");
        assertThat(windows()).extracting(ClosedWindow::version).containsExactly(SECOND, SECOND);
    }

    private List<Instant> degraded() {
        return events
                .newest(new EventQuery(
                        Optional.of("p"),
                        Optional.of("monitor.quality.degraded"),
                        Optional.of("deployment/d"),
                        Optional.empty(),
                        Optional.empty(),
                        100))
                .items()
                .reversed()
                .stream()
                .map(stored -> stored.event().eventTime().orElseThrow())
                .toList();
    }
}
