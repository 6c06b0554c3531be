package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.datasets.DatasetsModule;
import dev.tidemill.deployments.DeploymentsModule;
import dev.tidemill.features.FeaturesModule;
import dev.tidemill.identity.IdentityModule;
import dev.tidemill.inference.InferenceModule;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.MonitoringModule;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.pipelines.domain.StepWorker;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.definitions.DefinitionRoutes;
import dev.tidemill.platform.definitions.Definitions;
import dev.tidemill.platform.definitions.SqlDefinitionStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventRoutes;
import dev.tidemill.platform.events.EventSubscriptions;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.WebhookStore;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.AllowedHosts;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.http.StaticFiles;
import dev.tidemill.platform.http.WebServer;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.Databases;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.registry.RegistryModule;
import dev.tidemill.tracking.TrackingModule;
import dev.tidemill.training.TrainingModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The composition root: a list of what the house is made of, read from the bottom of the design's arrows to the top. */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);
    private static final Set<String> ROLES = Set.of("control", "gateway", "worker");
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

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Settings settings;
    private Optional<String> setupSecret = Optional.empty();
    private RouteManifest manifest = new RouteManifest();
    private String url = "";

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

    private <T extends AutoCloseable> T keep(T part) {
        open.push(part);
        return part;
    }

    private void assemble(Clock clock) {
        Set<String> roles = roles();
        boolean loopback = isLoopback(settings.text(Setting.HTTP_HOST));
        boolean testing = settings.flag(Setting.TESTING);
        if (testing && !loopback) {
            throw TidemillException.invalid(
                    "testing", "--testing opens a route that erases everything; it is for loopback only");
        }
        String version = Version.current();
        var directory = keep(DataDirectory.open(dataDirectory()));
        var address = DatabaseAddress.parse(settings.text(Setting.DATABASE));
        var telemetry = keep(new Telemetry(settings.optional(Setting.TRACES_ENDPOINT)));
        Database database = keep(openDatabase(address, directory.path()));
        var events = new SqlEventLog(database, clock);
        var definitions = new Definitions(new SqlDefinitionStore(database), database, events, clock);
        var destinations = new Destinations(settings.list(Setting.OUTBOUND_ALLOW_INTERNAL));
        var outbound = keep(new OutboundHttp(destinations));
        var webhooks = keep(new Webhooks(new WebhookStore(database), events, outbound, destinations, clock));
        int processors = Math.max(2, Runtime.getRuntime().availableProcessors());
        int slots = slots(processors);
        int heap = (int) settings.megabytes(Setting.CHILD_HEAP);
        var stepChildren = keep(new ChildPool("steps", slots, heap));
        var interactiveChildren = keep(new ChildPool("interactive", 1, heap));

        var identity = new IdentityModule(database, events, clock, loopback);
        var artifacts = new ArtifactsModule(
                database, directory.folder("artifacts"), settings.megabytes(Setting.UPLOAD_LIMIT) * 1024 * 1024);
        var pipelines = new PipelinesModule(database, events, clock, directory.folder("logs"));
        var datasets = new DatasetsModule(
                database,
                events,
                clock,
                directory.folder("tables"),
                artifacts.blobs(),
                stepChildren,
                interactiveChildren);
        var features = new FeaturesModule(database, datasets.dataSets(), datasets.engine());
        var tracking = new TrackingModule(database, events, clock);
        var registry = new RegistryModule(database, events, clock, "tidemill " + version);
        var sink = new LateSink();
        var inference = keep(new InferenceModule(artifacts.blobs(), sink, clock, version));
        var deployments = new DeploymentsModule(
                database, events, clock, registry.models(), inference.gateway(), inference.loader());
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
        telemetry.gauge(
                "tidemill.predictions.dropped",
                "Predictions that were answered but not journalled",
                inference.gateway()::droppedPredictions);

        datasets.stepKinds().forEach(pipelines::add);
        features.stepKinds(monitoring.monitoring()).forEach(pipelines::add);
        registry.stepKinds().forEach(pipelines::add);
        training.stepKinds().forEach(pipelines::add);
        deployments.stepKinds().forEach(pipelines::add);
        datasets.definitionKinds().forEach(definitions::register);
        features.definitionKinds().forEach(definitions::register);
        pipelines.definitionKinds().forEach(definitions::register);
        deployments.definitionKinds().forEach(definitions::register);
        monitoring.definitionKinds().forEach(definitions::register);

        setupSecret = identity.identity().prepare();
        deployments.deployments().publishAll();
        var subscriptions = keep(new EventSubscriptions(events, database));
        if (roles.contains("worker")) {
            StepWorker worker = keep(pipelines.worker(slots, address instanceof DatabaseAddress.Sqlite));
            worker.start();
        }
        if (roles.contains("control")) {
            webhooks.start();
            keep(monitoring.loop()).start();
            subscriptions.start(monitoring.subscriber());
        }

        manifest = new RouteManifest()
                .add(StaticFiles.routes())
                .add(new OperationsRoutes(database, telemetry, version, roles).routes())
                .add(new EventRoutes(events, webhooks, database).routes())
                .add(new DefinitionRoutes(definitions).routes())
                .add(identity.routes())
                .add(artifacts.routes())
                .add(pipelines.routes())
                .add(datasets.routes())
                .add(features.routes())
                .add(tracking.routes())
                .add(registry.routes())
                .add(inference.routes())
                .add(deployments.routes())
                .add(monitoring.routes());
        if (testing) {
            manifest.add(new TestingRoutes(new Reset(database, identity.identity(), inference.gateway())).routes());
        }
        var web = keep(new WebServer(webSettings(loopback), manifest, identity.identity(), telemetry, database, clock));
        url = "http://" + settings.text(Setting.HTTP_HOST) + ":" + web.start().port();
        announce(directory.path());
    }

    private Database openDatabase(DatabaseAddress address, Path directory) {
        try {
            Database database = Databases.open(address, directory);
            database.migrate(SCHEMAS);
            return database;
        } catch (com.zaxxer.hikari.pool.HikariPool.PoolInitializationException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "The database " + address + " cannot be reached: " + e.getMessage())
                    .at("database")
                    .remedy("Check address, user and password, and that it is running")
                    .causedBy(e);
        }
    }

    private Set<String> roles() {
        List<String> roles = settings.list(Setting.ROLES);
        for (String role : roles) {
            if (!ROLES.contains(role)) {
                throw TidemillException.invalid("roles", "'" + role + "' is none of control, gateway, worker");
            }
        }
        return Set.copyOf(roles);
    }

    private int slots(int processors) {
        String text = settings.text(Setting.WORKERS);
        return text.equals("0") ? processors : (int) settings.megabytes(Setting.WORKERS);
    }

    private WebServer.Settings webSettings(boolean loopback) {
        String host = settings.text(Setting.HTTP_HOST);
        return new WebServer.Settings(
                host,
                settings.port(Setting.HTTP_PORT),
                new AllowedHosts(settings.list(Setting.HTTP_ALLOWED_HOSTS), loopback, host),
                settings.megabytes(Setting.HTTP_MAX_BODY) * 1024 * 1024);
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw TidemillException.invalid("host", "'" + host + "' is not an address of this machine");
        }
    }

    private Path dataDirectory() {
        return settings.optional(Setting.DATA_DIRECTORY).map(Path::of).orElseGet(() -> {
            String base = System.getenv("XDG_DATA_HOME");
            return base == null || base.isBlank()
                    ? Path.of(System.getProperty("user.home"), ".local", "share", "tidemill")
                    : Path.of(base, "tidemill");
        });
    }

    /** Tells others on this machine where the server is. */
    private void announce(Path directory) {
        try {
            Path aside = directory.resolve("server.json.new");
            Files.writeString(
                    aside,
                    "{\"url\":\"" + url + "\",\"pid\":"
                            + ProcessHandle.current().pid() + "}\n");
            Files.move(aside, directory.resolve("server.json"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every route that this server answers. */
    RouteManifest manifest() {
        return manifest;
    }

    public String url() {
        return url;
    }

    /** The one-time secret of a server on a public address without users. */
    public Optional<String> setupSecret() {
        return setupSecret;
    }

    @Override
    public void close() {
        while (!open.isEmpty()) {
            AutoCloseable part = open.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("{} did not close well", part.getClass().getSimpleName(), e);
            }
        }
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
        public void append(List<dev.tidemill.inference.domain.Prediction> batch) {
            target.append(batch);
        }
    }
}
