package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.datasets.DatasetsModule;
import dev.tidemill.deployments.DeploymentsModule;
import dev.tidemill.features.FeaturesModule;
import dev.tidemill.identity.IdentityModule;
import dev.tidemill.inference.InferenceModule;
import dev.tidemill.inference.api.ServerName;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.python.PythonSettings;
import dev.tidemill.monitoring.MonitoringModule;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.pipelines.domain.StepWorker;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.SqlRefusalJournal;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.config.UserHome;
import dev.tidemill.platform.definitions.DefinitionRoutes;
import dev.tidemill.platform.definitions.Definitions;
import dev.tidemill.platform.definitions.SqlDefinitionStore;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventRoutes;
import dev.tidemill.platform.events.EventSubscriptions;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.SqlEventRetention;
import dev.tidemill.platform.events.WebhookStore;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.http.StaticFiles;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.Databases;
import dev.tidemill.platform.sql.InstanceLease;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.registry.RegistryModule;
import dev.tidemill.tracking.TrackingModule;
import dev.tidemill.training.TrainingModule;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The composition root: a list of what the house is made of, read from the bottom of the design's arrows to the top. */
public final class Server implements Node {
    static final List<String> SCHEMAS = List.of(
            "platform",
            "identity",
            "artifacts",
            "pipelines",
            "datasets",
            "features",
            "tracking",
            "registry",
            "deployments",
            "monitoring");

    /** Columns outside of artifacts that hold digests of blobs; the collector keeps what they name. */
    static final List<BlobReferences.Column> BLOB_COLUMNS = List.of(
            new BlobReferences.Column("version", "folder_digest", true),
            new BlobReferences.Column("run", "model_digest", true),
            new BlobReferences.Column("step_run", "inputs", false),
            new BlobReferences.Column("step_run", "outputs", false),
            new BlobReferences.Column("step_cache", "outputs", false),
            new BlobReferences.Column("data_set_version", "sources", false));

    /** Most computations that one caller may have waiting, and how long one waits for its turn. */
    private static final int WAITING_COMPUTATIONS = 16;

    private static final Duration COMPUTATION_PATIENCE = Duration.ofSeconds(20);

    private final Parts parts = new Parts();
    private final Settings settings;
    private Optional<String> setupSecret = Optional.empty();
    private RouteManifest manifest = new RouteManifest();
    private Listeners listeners = new Listeners("", "");

    private Server(Settings settings) {
        this.settings = settings;
    }

    /**
     * Starts a server; when this returns it is ready.
     *
     * @throws TidemillException for a setting, directory, database or port that cannot be used; nothing is left open then
     */
    public static Server start(Settings settings) {
        var server = new Server(settings);
        try {
            server.assemble(Clock.systemUTC());
            return server;
        } catch (RuntimeException | Error e) {
            server.close();
            throw e;
        }
    }

    private void assemble(Clock clock) {
        Set<String> roles = Node.roles(settings);
        boolean loopback = Listeners.isLoopback(settings);
        boolean testing = settings.flag(Setting.TESTING);
        if (testing && !loopback) {
            throw TidemillException.invalid(
                    "testing", "--testing opens a route that erases everything; it is for loopback only");
        }
        String version = Version.current();
        var directory = parts.keep(DataDirectory.open(dataDirectory(settings)));
        var address = DatabaseAddress.parse(settings.text(Setting.DATABASE));
        var telemetry = parts.keep(new Telemetry(settings.optional(Setting.TRACES_ENDPOINT)));
        Database database = parts.keep(Databases.open(address, directory.path(), InstanceLease.connections(directory)));
        if (address instanceof DatabaseAddress.Postgres) {
            parts.keep(InstanceLease.claimUnmigrated(
                    database, directory, settings.flag(Setting.DATABASE_TAKE_OVER), clock));
        }
        database.migrate(SCHEMAS);
        var events = new SqlEventLog(database, clock);
        var definitions = new Definitions(new SqlDefinitionStore(database), database, events, clock);
        var destinations = new Destinations(settings.list(Setting.OUTBOUND_ALLOW_INTERNAL));
        var outbound = parts.keep(new OutboundHttp(destinations));
        var webhookStore = new WebhookStore(
                database,
                SecretCipher.of(
                        settings.optional(Setting.SECRETS_KEY), directory.path().resolve(Backups.SECRETS_KEY)));
        webhookStore.encryptAll();
        var webhooks = parts.keep(new Webhooks(webhookStore, events, outbound, destinations, clock));
        int processors = Math.max(2, Runtime.getRuntime().availableProcessors());
        int slots = slots(processors);
        int heap = settings.whole(Setting.CHILD_HEAP);
        var stepChildren = parts.keep(new ChildPool("steps", slots, heap));
        long asked = settings.whole(Setting.INTERACTIVE);
        int interactive = asked == 0 ? Math.max(3, processors) : (int) Math.max(2, asked);
        var interactiveChildren = parts.keep(new ChildPool("interactive", interactive, heap));
        var turns = new FairTurns(interactive, WAITING_COMPUTATIONS, COMPUTATION_PATIENCE);

        var identity = new IdentityModule(database, events, clock, loopback);
        // What the collectors of files ask, so that a backup finds those that its rows name.
        var deletions = new DeletionHold();
        var journalFiles = new DeletionHold();
        String artifactRoot = settings.text(Setting.ARTIFACT_ROOT).replaceFirst("/+$", "");
        var artifacts = new ArtifactsModule(
                database,
                directory.folder("artifacts"),
                settings.megabytes(Setting.UPLOAD_LIMIT),
                BLOB_COLUMNS,
                artifactRoot,
                System.getenv(),
                deletions,
                clock);
        var pipelines = new PipelinesModule(database, events, clock, directory.folder("logs"));
        var datasets = new DatasetsModule(
                database,
                events,
                clock,
                directory.folder("tables"),
                artifacts.blobs(),
                stepChildren,
                interactiveChildren,
                turns,
                deletions);
        var features = new FeaturesModule(database, datasets.dataSets(), datasets.engine(), turns);
        var tracking = new TrackingModule(
                database, events, clock, artifacts.tree(), artifacts.located(), artifacts.links(), artifactRoot);
        var registry = new RegistryModule(
                database,
                events,
                clock,
                artifacts.tree(),
                artifacts.blobs(),
                artifacts.located(),
                tracking.models(),
                tracking.tracking(),
                webhooks,
                "tidemill " + version);
        var sink = new LateSink();
        var inference = parts.keep(new InferenceModule(
                artifacts.blobs(),
                RegistryModule.inspector(artifacts.blobs()),
                InferenceModule.registered(registry.models()),
                sink,
                journal(settings, directory, journalFiles),
                Payloads.of(
                        settings,
                        Optional.of(new Payloads.Files(directory.folder("payloads"), datasets.engine())),
                        clock),
                FeatureLookup.NONE,
                clock,
                inferenceOptions(settings, directory.folder("python"))));
        var deployments = parts.keep(new DeploymentsModule(
                database, events, clock, registry.models(), inference.gateway(), inference.loader()));
        registry.models().knowUse(deployments.deployments()::users);
        registry.models().watchTrust(deployments.deployments()::trustChanged);
        deployments.deployments().onDelete((project, name) -> definitions.forget(project, "Deployment", name));
        var training = new TrainingModule(
                datasets.dataSets(),
                tracking.tracking(),
                artifacts.blobs(),
                artifacts.projectBlobs(),
                stepChildren,
                deployments.deployments()::championFolder,
                clock);
        var monitoring = new MonitoringModule(
                database,
                events,
                clock,
                deployments.deployments(),
                registry.models(),
                pipelines.pipelines(),
                inference.gateway(),
                inference.loader(),
                artifacts.blobs());
        sink.connect(monitoring.monitoring());
        publishJournal(telemetry, inference.gateway());
        List<Kept> kept = kept(database, monitoring, identity);
        var keptMetrics = new KeptMetrics(kept, clock);
        keptMetrics.publish(telemetry);
        telemetry.gauge(
                "tidemill.deployments.broken",
                "Deployments of which a model cannot be loaded",
                deployments.publications()::broken);
        telemetry.gauge("tidemill.webhooks.broken", "Webhooks that cannot be used", webhooks::broken);
        telemetry.gauge(
                "tidemill.monitoring.halted",
                "Deployments whose monitoring fails and cannot go on",
                monitoring.monitoring()::halted);
        telemetry.gauge("tidemill.computations.running", "Computations under way that somebody waits for", turns::held);
        telemetry.gauge("tidemill.computations.waiting", "Computations that wait for their turn", turns::waiting);
        telemetry.publish(inference::metrics);

        datasets.stepKinds().forEach(pipelines::add);
        features.stepKinds(monitoring.monitoring()).forEach(pipelines::add);
        registry.stepKinds().forEach(pipelines::add);
        inference
                .stepKinds(datasets.dataSets(), datasets.engine(), directory.folder("scoring"))
                .forEach(pipelines::add);
        training.stepKinds().forEach(pipelines::add);
        deployments.stepKinds().forEach(pipelines::add);
        datasets.definitionKinds().forEach(definitions::register);
        features.definitionKinds().forEach(definitions::register);
        pipelines.definitionKinds().forEach(definitions::register);
        inference
                .definitionKinds(registry.registrations(), artifacts.projectBlobs())
                .forEach(definitions::register);
        deployments.definitionKinds().forEach(definitions::register);
        monitoring.definitionKinds().forEach(definitions::register);

        setupSecret = identity.identity().prepare();
        tracking.prepare();
        deployments.deployments().publishAll();
        var subscriptions = parts.keep(new EventSubscriptions(events, database));
        if (roles.contains("worker")) {
            StepWorker worker = parts.keep(pipelines.worker(slots, address instanceof DatabaseAddress.Sqlite));
            worker.start();
        }
        if (roles.contains("control")) {
            webhooks.start();
            var chores = new ArrayList<>(List.of(
                    Chores.deletedRuns(tracking.retention(), settings.whole(Setting.RETENTION_DELETED), clock),
                    Chores.abandonedUploads(artifacts, clock),
                    Chores.pipelineRuns(
                            pipelines,
                            artifacts,
                            registry.models(),
                            deletions,
                            settings.whole(Setting.RETENTION_PIPELINES),
                            clock),
                    Chores.tables(datasets, clock)));
            kept.forEach(entries -> chores.add(Chores.kept(entries, clock)));
            chores.add(Chores.blobs(artifacts));
            parts.keep(new Housekeeping(chores, Duration.ofMinutes(settings.whole(Setting.RETENTION_PAUSE))).start());
            parts.keep(monitoring.loop()).start();
            subscriptions.start(monitoring.subscriber());
        }

        var sizes = new StorageSizes(directory.path(), database, clock);
        sizes.publish(telemetry);
        var backups = new Backups(database, directory.path(), deletions, journalFiles, version, clock);
        telemetry.gauge(
                "tidemill.backup.preparing.seconds",
                "For how long a backup that is being prepared has kept files from being deleted",
                backups::preparingSeconds);
        manifest = new RouteManifest()
                // First, since routes are matched in this order and nothing is called as often.
                .add(inference.routes())
                .add(StaticFiles.routes())
                .add(new OperationsRoutes(
                                database,
                                telemetry,
                                backups,
                                sizes,
                                version,
                                roles,
                                keptMetrics,
                                inference.environments(),
                                inference.gateway())
                        .routes())
                .add(new EventRoutes(events, webhooks, database).routes())
                .add(new DefinitionRoutes(definitions).routes())
                .add(identity.routes())
                .add(artifacts.routes())
                .add(pipelines.routes())
                .add(datasets.routes())
                .add(features.routes())
                .add(tracking.routes())
                .add(registry.routes())
                .add(inference.planeRoutes(monitoring.monitoring(), identity.identity()))
                .add(inference.scoringRoutes(pipelines.pipelines(), datasets.dataSets()))
                .addMethods(inference.methods())
                .add(deployments.routes())
                .add(monitoring.routes());
        if (testing) {
            manifest.add(new TestingRoutes(new Reset(
                            database,
                            List.of(
                                    inference.gateway()::forgetAll,
                                    deployments.publications()::forget,
                                    identity.identity()::prepare,
                                    tracking::prepare)))
                    .routes());
        }
        var admission = new Admission(identity.callers());
        var refusals = parts.keep(new SqlRefusalJournal(database, clock));
        listeners = Listeners.open(settings, manifest, admission, telemetry, refusals, parts);
        listeners.announce(directory.path());
    }

    static InferenceModule.Options inferenceOptions(Settings settings, Path pythonFolder) {
        var name = new ServerName(
                settings.text(Setting.INFERENCE_NAME),
                settings.optional(Setting.INFERENCE_VERSION).orElseGet(Version::current));
        var python = new PythonSettings(
                settings.text(Setting.PYTHON),
                settings.optional(Setting.PYTHON_ENVIRONMENT).map(Path::of),
                pythonFolder,
                settings.whole(Setting.PYTHON_WORKERS),
                settings.whole(Setting.PYTHON_MEMORY),
                Duration.ofSeconds(settings.whole(Setting.PYTHON_PATIENCE)),
                isolation(settings),
                settings.whole(Setting.PYTHON_ENVIRONMENT_MEGABYTES),
                Duration.ofDays(settings.whole(Setting.PYTHON_ENVIRONMENT_DAYS)));
        return new InferenceModule.Options(
                name,
                settings.megabytes(Setting.INFERENCE_MEMORY),
                Duration.ofMinutes(settings.whole(Setting.INFERENCE_IDLE)),
                settings.whole(Setting.ONNX_THREADS),
                python);
    }

    /** What grows, and for how long each is kept. */
    private List<Kept> kept(Database database, MonitoringModule monitoring, IdentityModule identity) {
        var all = new ArrayList<Kept>(monitoring.kept(
                days(Setting.RETENTION_PREDICTIONS),
                settings.whole(Setting.RETENTION_PREDICTIONS_LIMIT),
                days(Setting.RETENTION_WINDOWS)));
        all.addAll(new SqlEventRetention(database).kept(days(Setting.RETENTION_EVENTS), Duration.ofDays(30)));
        all.addAll(identity.kept());
        return all;
    }

    private Optional<Duration> days(Setting setting) {
        long days = settings.whole(setting);
        return days == 0 ? Optional.empty() : Optional.of(Duration.ofDays(days));
    }

    private static PythonSettings.Isolate isolation(Settings settings) {
        return PythonSettings.Isolate.valueOf(
                settings.text(Setting.PYTHON_ISOLATION).toUpperCase(Locale.ROOT));
    }

    static PredictionLog journal(Settings settings, DataDirectory directory, DeletionHold deletions) {
        return InferenceModule.files(directory.folder("journal"), settings.megabytes(Setting.JOURNAL_LIMIT), deletions);
    }

    static void publishJournal(Telemetry telemetry, Gateway gateway) {
        telemetry.gauge(
                "tidemill.predictions.journal.bytes",
                "Bytes of predictions that wait in files for the database",
                gateway::journalBytes);
        telemetry.gauge(
                "tidemill.predictions.journal.unreadable",
                "Files of waiting predictions that could not be read as a whole and are kept as *.unreadable",
                gateway::unreadableJournals);
        telemetry.gauge(
                "tidemill.predictions.dropped",
                "Predictions that were answered but not journalled",
                gateway::droppedPredictions);
    }

    private int slots(int processors) {
        int asked = settings.whole(Setting.WORKERS);
        return asked == 0 ? processors : asked;
    }

    static Path dataDirectory(Settings settings) {
        return settings.optional(Setting.DATA_DIRECTORY).map(Path::of).orElseGet(() -> {
            String base = System.getenv("XDG_DATA_HOME");
            return base == null || base.isBlank()
                    ? UserHome.path().resolve(Path.of(".local", "share", "tidemill"))
                    : Path.of(base, "tidemill");
        });
    }

    /** Every route that this server answers. */
    RouteManifest manifest() {
        return manifest;
    }

    @Override
    public String url() {
        return listeners.url();
    }

    @Override
    public String grpcAddress() {
        return listeners.grpc();
    }

    @Override
    public Optional<String> setupSecret() {
        return setupSecret;
    }

    @Override
    public void close() {
        parts.close();
    }

    /** Inference needs a sink before monitoring, which is built on inference, exists. */
    private static final class LateSink implements PredictionSink {
        private volatile PredictionSink target = batch -> {
            throw new IllegalStateException("not connected yet");
        };

        void connect(PredictionSink sink) {
            target = sink;
        }

        @Override
        public Taken append(List<dev.tidemill.inference.domain.Prediction> batch) {
            return target.append(batch);
        }
    }
}
