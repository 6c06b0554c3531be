package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InPreparation;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.LoadTurn;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelCache;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.registry.RegisteredModels;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
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
import dev.tidemill.registry.domain.Trust;
import dev.tidemill.registry.domain.VersionId;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Deployments on a database and a gateway, whose models are loaded, slow or broken as their files are called. */
abstract class AssembledDeployments {
    private static final List<String> DOMAINS = List.of("platform", "artifacts", "registry", "deployments");
    static final Instant TRAINED_UNTIL = Instant.parse("2026-02-01T00:00:00Z");
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

    /** Answers its input. */
    private static final class Echo implements LoadedModel {
        @Override
        public String platform() {
            return "echo";
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(TensorSpec.column("x", Datatype.FP64, false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return inputs();
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            return given;
        }

        @Override
        public long bytes() {
            return 1;
        }

        @Override
        public void close() {}
    }

    @TempDir
    Path directory;

    final CountDownLatch slow = new CountDownLatch(1);
    final AtomicInteger begun = new AtomicInteger();
    volatile boolean mended;
    /** After which what is being built is looked for, and what tells that it is built. */
    volatile Duration again = Duration.ofMillis(20);

    final CompletableFuture<String> made = new CompletableFuture<>();

    Database database;
    ArtifactsModule artifacts;
    SqlModelStore registered;
    SqlVersionStore versions;
    SqlDeploymentStore store;
    SqlEventLog events;
    Models models;
    Aliases aliases;
    Trust trust;
    ModelCache cache;
    PredictionJournal journal;
    Gateway gateway;
    Publications publications;
    int number;

    @BeforeEach
    void assemble() {
        Clock clock = Clock.systemUTC();
        database = TestDatabase.sqlite(DOMAINS);
        artifacts = new ArtifactsModule(
                database,
                directory.resolve("artifacts"),
                1 << 20,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                clock);
        registered = new SqlModelStore(database);
        versions = new SqlVersionStore(database);
        events = new SqlEventLog(database, clock);
        models = new Models(registered, versions, artifacts.tree(), database, events, clock);
        aliases = new Aliases(registered, versions, models, database, events);
        trust = new Trust(registered, models, database, events);
        cache = new ModelCache(artifacts.blobs(), INSPECTOR, List.of(this::open), folder -> Optional.empty(), 1_000);
        journal = new PredictionJournal(batch -> new PredictionSink.Taken(batch.size(), List.of()));
        gateway = new Gateway(
                cache, new RegisteredModels(models, aliases), journal, PayloadLog.NONE, FeatureLookup.NONE, clock);
        store = new SqlDeploymentStore(database);
        publications = new Publications(store, models, gateway, clock);
        registered.insertModel("p", "m", "", Instant.EPOCH);
    }

    private Optional<LoadedModel> open(ModelFolder folder) {
        begun.incrementAndGet();
        if (folder.has("broken") && !mended) {
            throw folder.unusable("it is broken");
        }
        if (folder.has("building") && !mended) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "its environment is being built")
                    .causedBy(new InPreparation(new TimeoutException(), again, made));
        }
        if (folder.has("waiting") && !mended) {
            LoadTurn.leave();
            awaitSlow();
            LoadTurn.resume();
        }
        if (folder.has("error") && !mended) {
            throw new NoClassDefFoundError("for the test");
        }
        if (folder.has("slow")) {
            awaitSlow();
        }
        return Optional.of(new Echo());
    }

    private void awaitSlow() {
        try {
            slow.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void setPauses(Duration firstPause, Duration turn) {
        publications.close();
        publications = new Publications(store, models, gateway, Clock.systemUTC(), firstPause, turn);
    }

    @AfterEach
    void takeApart() {
        slow.countDown();
        publications.close();
        gateway.close();
        journal.close();
        cache.close();
        database.close();
    }

    /** A deployment of a version of its own, in whose folder there is one file. */
    Deployment deployment(String name, String file) {
        return deployment(name, file, "model " + (number + 1));
    }

    Deployment deployment(String name, String file, String contents) {
        number++;
        Folder folder = Folder.store(artifacts.blobs(), Map.of(file, contents.getBytes(StandardCharsets.UTF_8)));
        versions.insert(new ModelVersion(
                new VersionId("p", "m", number),
                ModelVersion.Stage.NONE,
                "",
                ModelVersion.Origin.ofFolder(folder.digest(), "test-" + number, "user:ada"),
                new ModelVersion.Contents(
                        Optional.of(folder.digest()),
                        new Signature(List.of(new Signature.Field("x", "double")), List.of()),
                        Optional.empty()),
                new ModelVersion.Training(
                        Optional.empty(), Map.of(), Map.of(), List.of(), "", "", Optional.of(TRAINED_UNTIL)),
                Map.of(),
                Instant.EPOCH,
                Instant.EPOCH));
        var definition =
                new Deployment.Definition("m", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        store.define("p", name, definition);
        var deployment = new Deployment(
                "p",
                name,
                definition,
                store.find("p", name).orElseThrow().revision() + 1,
                Optional.of(number),
                Optional.empty(),
                Optional.empty(),
                Deployment.Phase.NONE,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        assertThat(store.save(deployment)).isTrue();
        return deployment;
    }

    InferenceAnswer answer(String name, Optional<String> version) {
        var request = InferenceRequest.of(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(ColumnValues.column("x", List.of(1.0))),
                Instant.EPOCH);
        return gateway.infer("p", name, version, request);
    }

    Publications.State state(Deployment deployment) {
        return publications.status(deployment).state();
    }

    void awaitState(Deployment deployment, Publications.State state) {
        Await.until(deployment.name() + " to be " + state, () -> state(deployment) == state);
    }

    Deployments deployments() {
        var events = new SqlEventLog(database, Clock.systemUTC());
        return new Deployments(store, publications, database, events, Clock.systemUTC());
    }

    Rollouts rollouts() {
        return rollouts(cache::acquire);
    }

    Rollouts rollouts(ModelLoader loader) {
        var events = new SqlEventLog(database, Clock.systemUTC());
        return new Rollouts(
                deployments(), store, models, aliases, publications, loader, database, events, Clock.systemUTC());
    }
}
