package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.DeploymentsModule;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelCache;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.monitoring.domain.Quarantine;
import dev.tidemill.monitoring.domain.ReceivedLabels;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What monitoring does with deployments that come, serve and go, on every database. */
abstract class MonitoringContract {
    static final List<String> DOMAINS =
            List.of("platform", "artifacts", "registry", "pipelines", "deployments", "monitoring");
    private static final int WHOLE = 1;
    /** A version whose reference profile cannot be read, so that every tick fails. */
    private static final int BROKEN = 2;

    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");
    private static final Clock CLOCK = Clock.fixed(START.plus(Duration.ofDays(400)), ZoneOffset.UTC);
    private static final Monitor HOURLY =
            new Monitor(Duration.ofDays(1), Duration.ofHours(1), Duration.ofHours(1), 0.5, 0.1);

    @TempDir
    Path directory;

    private Database database;
    private SqlEventLog events;
    private Models models;
    private ModelCache cache;
    private PredictionJournal journal;
    private Gateway gateway;
    private DeploymentsModule module;
    private Deployments deployments;
    private Monitoring monitoring;
    private MonitoringModule watching;

    abstract Database open();

    private static final ModelInspector INSPECTOR = new ModelInspector() {
        @Override
        public ModelFiles inspect(Folder folder) {
            throw new AssertionError("nothing asks for it");
        }

        @Override
        public ModelDescription describe(Folder folder) {
            return new ModelDescription(Map.of(), Optional.empty());
        }
    };

    @BeforeEach
    void assemble() {
        database = open();
        events = new SqlEventLog(database, CLOCK);
        var artifacts = new ArtifactsModule(
                database,
                directory.resolve("artifacts"),
                1 << 20,
                List.of(),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                CLOCK);
        var versions = new SqlModelStore(database);
        models = new Models(versions, artifacts.tree(), database, events, CLOCK);
        cache = new ModelCache(artifacts.blobs(), INSPECTOR, List.of(), folder -> Optional.empty(), 1_000);
        journal = new PredictionJournal(batch -> new PredictionSink.Taken(batch.size(), List.of()));
        gateway = new Gateway(cache, ModelCatalog.EMPTY, journal, PayloadLog.NONE, FeatureLookup.NONE, CLOCK);
        module = new DeploymentsModule(database, events, CLOCK, models, gateway, cache);
        deployments = module.deployments();
        watching = new MonitoringModule(
                database,
                events,
                CLOCK,
                deployments,
                models,
                new PipelinesModule(database, events, CLOCK, directory.resolve("logs")).pipelines(),
                gateway,
                cache,
                artifacts.blobs());
        monitoring = watching.monitoring();
        versions.insertModel("p", "m", "", START);
        versions.insert(version(WHOLE, Folder.store(artifacts.blobs(), Map.of("model", bytes("m")))));
        versions.insert(version(
                BROKEN,
                Folder.store(artifacts.blobs(), Map.of("tidemill/reference-profile.json", bytes("no profile")))));
        monitoring.defineMonitor("p", "hourly", HOURLY);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ModelVersion version(int number, Folder folder) {
        return new ModelVersion(
                "p",
                "m",
                number,
                ModelVersion.Stage.NONE,
                "",
                "mlflow-artifacts:/x",
                "mlflow-artifacts:/y",
                "",
                Optional.empty(),
                Optional.of(folder.digest()),
                new Signature(List.of(new Signature.Field("hour", "double")), List.of()),
                Map.of(),
                Map.of(),
                Optional.empty(),
                List.of(),
                "",
                "",
                Optional.empty(),
                "test-" + number,
                "user:ada",
                START,
                START,
                Map.of(),
                Optional.empty());
    }

    @AfterEach
    void takeApart() {
        watching.loop().close();
        module.close();
        gateway.close();
        journal.close();
        cache.close();
        database.close();
    }

    private void deploy(String name) {
        deploy(name, WHOLE);
    }

    private void deploy(String name, int version) {
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of("hourly"), Optional.empty(), Optional.empty());
        var store = new SqlDeploymentStore(database);
        store.define("p", name, definition);
        long revision = store.find("p", name).orElseThrow().revision();
        assertThat(store.save(new Deployment(
                        "p",
                        name,
                        definition,
                        revision + 1,
                        Optional.of(version),
                        Optional.empty(),
                        Optional.empty(),
                        Deployment.Phase.NONE,
                        0,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty())))
                .isTrue();
    }

    private static Prediction prediction(String deployment, String id, Duration after) {
        Instant time = START.plus(after);
        return new Prediction(
                "p",
                deployment,
                id,
                time,
                START.plus(Duration.ofDays(300)),
                Map.of("hour", (double) after.toHours()),
                false,
                1,
                List.of(1.0),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    private static List<Prediction> hours(String deployment, int from, int until) {
        var predictions = new ArrayList<Prediction>();
        for (int hour = from; hour < until; hour++) {
            predictions.add(prediction(deployment, "row-" + hour, Duration.ofHours(hour)));
        }
        return predictions;
    }

    /** More than one unit of work deletes, in 43 hours. */
    private static List<Prediction> many(String deployment) {
        var predictions = new ArrayList<Prediction>();
        for (int minute = 0; minute < 2_600; minute++) {
            predictions.add(prediction(deployment, "minute-" + minute, Duration.ofMinutes(minute)));
        }
        return predictions;
    }

    private EventClock clock(String deployment) {
        return monitoring.state("p", deployment).orElseThrow().clock();
    }

    private long rows(String deployment) {
        return monitoring.count(all(deployment));
    }

    private static JournalStore.Range all(String deployment) {
        return new JournalStore.Range("p", deployment, Instant.EPOCH, Instant.ofEpochMilli(Long.MAX_VALUE));
    }

    private void settle(String deployment) {
        Await.until(deployment + " to be watched up to its watermark", () -> monitoring.isSettled("p", deployment));
    }

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
                .isEqualTo(new ReceivedLabels(0, 0, List.of("none"), List.of("row-1"), 0));
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
                store, new SqlJournalStore(database), deployments, models, gateway, cache, database, events, CLOCK);
        var batch = new ArrayList<Prediction>();
        for (String name : List.of("c", "a", "d", "b")) {
            deploy(name);
            batch.add(prediction(name, "row", Duration.ofHours(1)));
        }
        monitoring.append(batch);
        recorded.append(batch);
        assertThat(held).containsExactly("a", "b", "c", "d");
    }

    @Test
    void withADeploymentGoesWhatWasWatchedOfIt() {
        deploy("d");
        deploy("other");
        monitoring.append(many("d"));
        monitoring.append(hours("other", 0, 60));
        watching.loop().start();
        settle("d");
        settle("other");
        assertThat(monitoring.windows("p", "d", CLOCK.instant(), 10)).isNotEmpty();
        deployments.delete("p", "d", "user:ada");
        assertThat(monitoring.state("p", "d")).isEmpty();
        assertThat(monitoring.windows("p", "d", CLOCK.instant(), 10)).isEmpty();
        assertThat(new SqlMonitorStore(database).slices("p", "d", START, CLOCK.instant()))
                .isEmpty();
        deploy("d");
        monitoring.append(hours("d", 0, 3));
        assertThat(rows("d")).as("rows of before are not those of the new").isEqualTo(3);
        assertThat(clock("d").believed()).isEqualTo(3);
        assertThat(rows("other")).isEqualTo(60);
        assertThat(monitoring.windows("p", "other", CLOCK.instant(), 10)).isNotEmpty();
    }

    @Test
    void rowsOfADeletedDeploymentGoWithoutBeingAskedFor() {
        deploy("d");
        monitoring.append(many("d"));
        watching.loop().start();
        deployments.delete("p", "d", "user:ada");
        Await.until("the journal of the deleted deployment to be empty", () -> rows("d") == 0);
    }

    @Test
    void whatArrivesForADeletedDeploymentKeepsNobodyElseOut() {
        deploy("d");
        var batch = new ArrayList<>(hours("gone", 0, 3));
        batch.addAll(hours("d", 0, 3));
        monitoring.append(batch);
        assertThat(rows("d")).isEqualTo(3);
        assertThat(rows("gone")).isZero();
        assertThat(monitoring.state("p", "gone")).isEmpty();
    }

    @Test
    void statesThatAreLeftOfDeletedDeploymentsAreRemovedAndKeepNobodyWaiting() {
        deploy("z");
        monitoring.append(hours("z", 0, 60));
        var store = new SqlMonitorStore(database);
        MonitorState state = monitoring.state("p", "z").orElseThrow();
        for (int i = 0; i < 8; i++) {
            store.createState(new MonitorState(
                    "p",
                    "gone-" + i,
                    state.clock(),
                    state.processed(),
                    state.windowsTill(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    0,
                    Optional.empty()));
        }
        watching.loop().start();
        settle("z");
        Await.until(
                "the states of deployments that are gone to be removed",
                () -> store.states().size() == 1);
    }

    @Test
    void aDeploymentIsNotMadeAnewWhileTheJournalOfTheOldOneIsStillBeingRemoved() {
        deploy("d");
        monitoring.append(many("d"));
        new SqlDeploymentStore(database).delete("p", "d");
        new SqlMonitorStore(database).forget("p", "d", CLOCK.instant());
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of("hourly"), Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> deployments.define("p", "d", definition))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                .hasMessageContaining("still being removed");
        watching.loop().start();
        Await.until("the journal to be empty", () -> !monitoring.hasRemains("p", "d"));
        deployments.define("p", "d", definition);
        assertThat(rows("d")).isZero();
    }

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
                .newest("p", Optional.of("monitor."), Optional.of(subject), Optional.empty(), 1_000)
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
        watching.subscriber().on(new StoredEvent(1, "e", CLOCK.instant(), event));
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
            assertThat(monitoring.windows("p", name, CLOCK.instant(), 100))
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
            assertThat(clock(name).watermark())
                    .as(name)
                    .isBetween(START.plus(Duration.ofDays(90)), START.plus(Duration.ofHours(24 * 90 + 39)));
        }
    }

    private static Prediction of(String deployment, Prediction prediction) {
        return prediction(deployment, prediction.id(), Duration.between(START, prediction.eventTime()));
    }
}
