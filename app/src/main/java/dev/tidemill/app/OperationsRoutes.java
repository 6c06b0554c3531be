package dev.tidemill.app;

import dev.tidemill.inference.controlplane.PlanFeed;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelEnvironments;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.GeneratedFile;
import dev.tidemill.platform.http.Lane;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Routes for whoever runs the server. */
final class OperationsRoutes {
    private final Database database;
    private final Telemetry telemetry;
    private final Backups backups;
    private final StorageSizes sizes;
    private final String version;
    private final Set<ProcessRole> roles;
    private final KeptMetrics kept;
    private final BackgroundWork background;
    private final ModelEnvironments environments;
    private final Gateway gateway;

    /** How long whoever asks first is kept waiting for figures. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** How long the database may take to answer whether this server is ready. */
    private static final Duration READY_WITHIN = Duration.ofMillis(800);

    /** The MLflow server whose clients we answer as it does; they choose by it how they send spans. */
    private static final String MLFLOW_VERSION = "3.17.2";

    private static final Route HEALTH = Route.get(
                    "/health",
                    Access.open(),
                    (context, caller) -> context.contentType("text/plain").result("OK"))
            .lane(Lane.HEALTH);

    OperationsRoutes(
            Database database,
            Telemetry telemetry,
            Backups backups,
            StorageSizes sizes,
            String version,
            Set<ProcessRole> roles,
            KeptMetrics kept,
            BackgroundWork background,
            ModelEnvironments environments,
            Gateway gateway) {
        this.database = database;
        this.backups = backups;
        this.sizes = sizes;
        this.telemetry = telemetry;
        this.version = version;
        this.roles = roles;
        this.kept = kept;
        this.background = background;
        this.environments = environments;
        this.gateway = gateway;
    }

    List<Route> routes() {
        return List.of(
                HEALTH,
                Route.get("/ready", Access.open(), (context, caller) -> {
                            requireDatabase();
                            context.contentType("text/plain").result(ready(environments, background));
                        })
                        .lane(Lane.OPERATIONS),
                metrics(telemetry),
                Route.file(
                        "/api/tidemill/v1/server/backup",
                        Access.server(Resource.SERVER, Action.ADMINISTER),
                        (context, caller) -> new GeneratedFile("tidemill-backup.zip", "application/zip", this::backup)),
                Route.get(
                        "/version",
                        Access.open(),
                        (context, caller) -> context.contentType("text/plain").result(MLFLOW_VERSION)),
                Route.get("/api/tidemill/v1/server", Access.signedIn(), (context, caller) -> context.json(about())));
    }

    /** Of a process that stands by: it lives, and answers nothing else. */
    static List<Route> ofStandby(Supplier<String> waitsFor) {
        return List.of(
                HEALTH,
                Route.get("/ready", Access.open(), (context, caller) -> {
                            throw new TidemillException(
                                            ErrorCode.UNAVAILABLE, "This server stands by: " + waitsFor.get())
                                    .remedy("Ask the server that is running")
                                    .retryAfter(Duration.ofSeconds(1));
                        })
                        .lane(Lane.OPERATIONS));
    }

    /** Sooner than probes give up: the database's own patience is longer. */
    private void requireDatabase() {
        var answer = CompletableFuture.supplyAsync(
                () -> {
                    database.reading(handle ->
                            handle.select("SELECT 1").mapTo(Integer.class).one());
                    database.requireWritable();
                    return true;
                },
                Thread::startVirtualThread);
        try {
            answer.get(READY_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The database has not answered within " + READY_WITHIN.toMillis() + " ms")
                    .causedBy(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.UNAVAILABLE, "The server stops").causedBy(e);
        }
    }

    private Map<String, Object> about() {
        var about = new LinkedHashMap<String, Object>();
        about.put("version", version);
        about.put("java", Runtime.version().toString());
        about.put("database", database.dialect().name());
        about.put("roles", roles.stream().map(ProcessRole::label).toList());
        Optional<Measured.Finding<Map<String, Long>>> measured = sizes.bytes(PATIENCE);
        about.put("storage", measured.map(Measured.Finding::value).orElse(Map.of()));
        measured.ifPresent(
                finding -> about.put("storageMeasuredAt", finding.at().toString()));
        about.put("kept", kept.describe(PATIENCE));
        about.put("failingLoops", background.describe());
        about.put("pythonIsolation", environments.isolation());
        about.put("journal", Map.of("bytes", gateway.journalBytes(), "unreadableFiles", gateway.unreadableJournals()));
        return about;
    }

    private void backup(OutputStream out) throws IOException {
        try (Backups.Prepared backup = backups.prepare()) {
            backup.writeTo(out);
        }
    }

    /** Everybody may read it: why there is no isolation, and why work fails, is told to those alone who are signed in. */
    private static String ready(ModelEnvironments environments, BackgroundWork background) {
        var told = new ArrayList<String>();
        told.add("OK");
        if (!environments.isIsolated()) {
            told.add("Python models run without isolation, as the server's user");
        }
        background.failing().forEach(name -> told.add("Work in the background fails: " + name));
        return String.join("\n", told);
    }

    private static Route metrics(Telemetry telemetry) {
        return Route.get(
                        "/metrics",
                        Access.purpose(Scope.METRICS),
                        (context, caller) -> context.contentType("text/plain; version=0.0.4; charset=utf-8")
                                .result(telemetry.scrape()))
                .lane(Lane.OPERATIONS);
    }

    /** The routes of a process without a database, ready once it knows what to serve. */
    static List<Route> ofGateway(
            PlanFeed feed, Telemetry telemetry, ModelEnvironments environments, BackgroundWork background) {
        return List.of(
                HEALTH,
                Route.get("/ready", Access.open(), (context, caller) -> {
                            if (!feed.isReady()) {
                                throw new TidemillException(
                                        ErrorCode.UNAVAILABLE, "The control plane has not told yet what to serve");
                            }
                            context.contentType("text/plain").result(ready(environments, background));
                        })
                        .lane(Lane.OPERATIONS),
                metrics(telemetry));
    }
}
