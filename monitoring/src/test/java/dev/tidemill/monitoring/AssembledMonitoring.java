package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.DeploymentsModule;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelCache;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.VersionId;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.Await;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Monitoring with what it stands on, put together as in a server, for contracts on every database. */
abstract class AssembledMonitoring {
    static final List<String> DOMAINS =
            List.of("platform", "artifacts", "registry", "pipelines", "deployments", "monitoring");
    static final int WHOLE = 1;
    /** A version whose reference profile cannot be read, so that every tick fails. */
    static final int BROKEN = 2;

    static final Instant START = Instant.parse("2011-04-01T00:00:00Z");
    static final Clock CLOCK = Clock.fixed(START.plus(Duration.ofDays(400)), ZoneOffset.UTC);
    static final Monitor HOURLY = new Monitor(Duration.ofDays(1), Duration.ofHours(1), Duration.ofHours(1), 0.5, 0.1);

    @TempDir
    Path directory;

    Database database;
    SqlEventLog events;
    Models models;
    ModelCache cache;
    ArtifactsModule artifacts;
    Pipelines pipelines;
    private PredictionJournal journal;
    Gateway gateway;
    DeploymentsModule module;
    Deployments deployments;
    Rollouts rollouts;
    Monitoring monitoring;
    MonitoringModule watching;

    abstract Database open();

    /** What runs the models. */
    List<ModelRuntime> runtimes() {
        return List.of();
    }

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
        artifacts = new ArtifactsModule(
                database,
                directory.resolve("artifacts"),
                1 << 20,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                CLOCK);
        var store = new SqlModelStore(database);
        var versions = new SqlVersionStore(database);
        models = new Models(store, versions, artifacts.tree(), database, events, CLOCK);
        var aliases = new Aliases(store, versions, models, database, events);
        cache = new ModelCache(artifacts.blobs(), INSPECTOR, runtimes(), folder -> Optional.empty(), 1_000);
        journal = new PredictionJournal(batch -> new PredictionSink.Taken(batch.size(), List.of()));
        gateway = new Gateway(cache, ModelCatalog.EMPTY, journal, PayloadLog.NONE, FeatureLookup.NONE, CLOCK);
        pipelines = new PipelinesModule(database, events, CLOCK, directory.resolve("logs"), 1, true).pipelines();
        module = new DeploymentsModule(database, events, CLOCK, models, aliases, pipelines, gateway, cache);
        deployments = module.deployments();
        rollouts = module.rollouts();
        watching = new MonitoringModule(
                database,
                events,
                CLOCK,
                deployments,
                rollouts,
                models,
                pipelines,
                gateway,
                cache,
                artifacts.blobs(),
                MonitoringModule.Retention.FOREVER);
        monitoring = watching.monitoring();
        store.insertModel("p", "m", "", START);
        versions.insert(version(WHOLE, Folder.store(artifacts.blobs(), Map.of("model", bytes("m")))));
        versions.insert(version(
                BROKEN,
                Folder.store(artifacts.blobs(), Map.of("tidemill/reference-profile.json", bytes("no profile")))));
        for (int number : LabelledModels.CLASSIFIERS) {
            versions.insert(version(number, Folder.store(artifacts.blobs(), Map.of("model", bytes("m" + number)))));
        }
        monitoring.defineMonitor("p", "hourly", HOURLY);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ModelVersion version(int number, Folder folder) {
        return version(number, folder, Map.of());
    }

    static ModelVersion version(int number, Folder folder, Map<String, Double> metrics) {
        return new ModelVersion(
                new VersionId("p", "m", number),
                ModelVersion.Stage.NONE,
                "",
                ModelVersion.Origin.ofFolder(folder.digest(), "test-" + number, "user:ada"),
                new ModelVersion.Contents(
                        Optional.of(folder.digest()),
                        new Signature(List.of(new Signature.Field("hour", "double")), List.of()),
                        Optional.empty()),
                new ModelVersion.Training(Optional.empty(), metrics, Map.of(), List.of(), "", "", Optional.empty()),
                Map.of(),
                START,
                START);
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

    void deploy(String name) {
        deploy(name, WHOLE);
    }

    void deploy(String name, int version) {
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of("hourly"), Optional.empty(), Optional.empty());
        save(name, definition, version, Optional.empty());
    }

    /** A deployment that a policy rules. */
    void deployRuled(String name, String policy) {
        deployRuled(name, policy, WHOLE);
    }

    void deployRuled(String name, String policy, int version) {
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of("hourly"), Optional.of(policy), Optional.empty());
        save(name, definition, version, Optional.empty());
    }

    /** A deployment whose second version is in shadow since the start. */
    void deployTrial(String name, String monitor, String policy) {
        deployTrial(name, monitor, policy, WHOLE, 2);
    }

    /** A deployment with a version that is in shadow since the start. */
    void deployTrial(String name, String monitor, String policy, int champion, int challenger) {
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of(monitor), Optional.of(policy), Optional.empty());
        save(name, definition, champion, Optional.of(challenger));
    }

    private void save(String name, Deployment.Definition definition, int version, Optional<Integer> challenger) {
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
                        challenger,
                        challenger.isPresent() ? Deployment.Phase.SHADOW : Deployment.Phase.NONE,
                        0,
                        challenger.map(trial -> START),
                        challenger.map(trial -> START),
                        Optional.empty())))
                .isTrue();
    }

    static Prediction prediction(String deployment, String id, Duration after) {
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

    static List<Prediction> hours(String deployment, int from, int until) {
        var predictions = new ArrayList<Prediction>();
        for (int hour = from; hour < until; hour++) {
            predictions.add(prediction(deployment, "row-" + hour, Duration.ofHours(hour)));
        }
        return predictions;
    }

    /** More than one unit of work deletes, in 43 hours. */
    static List<Prediction> many(String deployment) {
        var predictions = new ArrayList<Prediction>();
        for (int minute = 0; minute < 2_600; minute++) {
            predictions.add(prediction(deployment, "minute-" + minute, Duration.ofMinutes(minute)));
        }
        return predictions;
    }

    EventClock clock(String deployment) {
        return monitoring.state("p", deployment).orElseThrow().clock();
    }

    long rows(String deployment) {
        return monitoring.count(all(deployment));
    }

    static JournalStore.Range all(String deployment) {
        return new JournalStore.Range("p", deployment, Instant.EPOCH, Instant.ofEpochMilli(Long.MAX_VALUE));
    }

    void settle(String deployment) {
        Await.until(deployment + " to be watched up to its watermark", () -> monitoring.isSettled("p", deployment));
    }

    static Prediction of(String deployment, Prediction prediction) {
        return prediction(deployment, prediction.id(), Duration.between(START, prediction.eventTime()));
    }
}
