package dev.tidemill.monitoring;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.monitoring.api.MonitorDefinitionKind;
import dev.tidemill.monitoring.api.MonitoringRoutes;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.MonitorLoop;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.monitoring.domain.Obstacles;
import dev.tidemill.monitoring.domain.PredictionLimit;
import dev.tidemill.monitoring.domain.SliceStore;
import dev.tidemill.monitoring.domain.Ticks;
import dev.tidemill.monitoring.domain.Windows;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.events.EventSubscriber;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.retention.SqlKeptRows;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.registry.domain.Models;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Wires monitoring. */
public final class MonitoringModule implements Module {
    public static final Schema SCHEMA = Schema.of("monitoring");

    /** What the subject of an event about a deployment begins with. */
    private static final String SUBJECT = "deployment/";

    private final Monitoring monitoring;
    private final MonitorLoop loop;
    private final MonitorStore store;
    private final SliceStore sums;
    private final JournalStore journal;
    private final Obstacles obstacles;
    private final MonitoringRoutes routes;
    private final Database database;
    private final Clock clock;
    private final Retention retention;

    /**
     * For how long is kept what monitoring writes down.
     *
     * @param predictions since they were received; empty for ever
     * @param mostPredictions of one deployment, above which its oldest go; 0 for any number
     * @param windows since they were closed; empty for ever
     */
    public record Retention(Optional<Duration> predictions, long mostPredictions, Optional<Duration> windows) {
        public static final Retention FOREVER = new Retention(Optional.empty(), 0, Optional.empty());
    }

    public MonitoringModule(
            Database database,
            EventLog events,
            Clock clock,
            Deployments deployments,
            Rollouts rollouts,
            Models models,
            Pipelines pipelines,
            Gateway gateway,
            ModelLoader loader,
            BlobStore blobs,
            Retention retention) {
        this.retention = retention;
        this.database = database;
        this.clock = clock;
        this.store = new SqlMonitorStore(database);
        this.sums = new SqlSliceStore(database);
        this.journal = new SqlJournalStore(database);
        deployments.knowMonitors(
                (project, name) -> store.findMonitor(project, name).isPresent());
        var windows = new Windows(blobs, bytes -> Json.read(new String(bytes, StandardCharsets.UTF_8), Map.class));
        this.monitoring = new Monitoring(
                store, sums, journal, deployments, rollouts, models, gateway, loader, database, events, clock);
        deployments.onDelete(monitoring::forget);
        deployments.knowRemains(monitoring::hasRemains);
        var ticks = new Ticks(store, sums, deployments, rollouts, models, windows, journal);
        this.loop = new MonitorLoop(
                store, sums, monitoring, ticks, deployments, rollouts, pipelines, database, events, clock);
        this.obstacles = new Obstacles(store, journal, ticks, deployments, models, pipelines);
        this.routes = new MonitoringRoutes(monitoring, deployments, models, windows, obstacles);
    }

    public Monitoring monitoring() {
        return monitoring;
    }

    public Obstacles obstacles() {
        return obstacles;
    }

    public MonitorLoop loop() {
        return loop;
    }

    /** Hears of pipeline runs that have ended and of deployments that have changed, so that ticks which wait for them go on. */
    @Override
    public List<EventSubscriber> subscribers() {
        return List.of(new EventSubscriber() {
            @Override
            public String name() {
                return "monitoring";
            }

            @Override
            public void on(StoredEvent event) {
                deployment(event.event())
                        .ifPresent(name -> database.afterCommit(
                                () -> loop.wake(event.event().project(), name)));
            }
        });
    }

    /** The deployment that changed, or that caused the pipeline run. */
    private static Optional<String> deployment(Event event) {
        Optional<String> subject = event.type().startsWith("pipeline.run.")
                ? event.cause()
                : Optional.of(event.subject()).filter(of -> event.type().startsWith("deployment."));
        return subject.filter(of -> of.startsWith(SUBJECT)).map(of -> of.substring(SUBJECT.length()));
    }

    @Override
    public void publish(Telemetry telemetry) {
        telemetry.storedGauge(
                "tidemill.monitoring.halted",
                "Deployments whose monitoring fails and cannot go on",
                monitoring::halted);
    }

    @Override
    public void prepare() {
        store.dateUndated(clock.instant());
    }

    @Override
    public void start(Set<ProcessRole> roles) {
        if (roles.contains(ProcessRole.CONTROL)) {
            loop.start();
        }
    }

    @Override
    public List<Loop> loops() {
        return List.of(loop.loop());
    }

    @Override
    public void close() {
        loop.close();
    }

    @Override
    public List<Kept> kept() {
        Optional<Duration> predictions = retention.predictions();
        Optional<Duration> windows = retention.windows();
        var byAge = new SqlKeptRows(database, "predictions", "prediction", predictions, journal::deleteReceivedBefore);
        return List.of(
                PredictionLimit.on(byAge, journal, store, retention.mostPredictions()),
                new SqlKeptRows(database, "windows", "monitor_window", windows, store::deleteWindowsBefore),
                new SqlKeptRows(database, "slices", "monitor_slice", windows, sums::deleteSlicesBefore),
                new SqlKeptRows(
                        database, "challenger-calls", "monitor_challenger_calls", windows, sums::deleteCallsBefore));
    }

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new MonitorDefinitionKind(monitoring));
    }

    @Override
    public List<Route> routes() {
        return routes.routes();
    }
}
