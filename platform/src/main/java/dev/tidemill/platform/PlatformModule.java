package dev.tidemill.platform;

import dev.tidemill.platform.audit.RefusalRoutes;
import dev.tidemill.platform.audit.SqlRefusals;
import dev.tidemill.platform.definitions.DefinitionRoutes;
import dev.tidemill.platform.definitions.Definitions;
import dev.tidemill.platform.definitions.SqlDefinitionStore;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.events.EventRoutes;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.SqlEventRetention;
import dev.tidemill.platform.events.WebhookStore;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Wires what every domain uses: events, webhooks and definitions. */
public final class PlatformModule implements Module {
    public static final Schema SCHEMA = Schema.of("platform");

    /** For how long an event from outside that comes again is known by its id. */
    private static final Duration OUTSIDE_IDS = Duration.ofDays(30);

    private final Database database;
    private final SqlEventLog events;
    private final Definitions definitions;
    private final OutboundHttp outbound;
    private final WebhookStore webhookStore;
    private final Webhooks webhooks;
    private final Optional<Duration> keepEvents;

    /**
     * @param destinations that webhooks may have
     * @param secrets encrypts what webhooks sign with
     * @param keepEvents for how long events are kept; empty for ever
     */
    public PlatformModule(
            Database database,
            Destinations destinations,
            SecretCipher secrets,
            Optional<Duration> keepEvents,
            Clock clock) {
        this.database = database;
        this.keepEvents = keepEvents;
        this.events = new SqlEventLog(database, clock);
        this.definitions = new Definitions(new SqlDefinitionStore(database), database, events, clock);
        this.outbound = new OutboundHttp(destinations);
        this.webhookStore = new WebhookStore(database, secrets);
        this.webhooks = new Webhooks(webhookStore, events, outbound, destinations, clock);
    }

    public EventLog events() {
        return events;
    }

    public Definitions definitions() {
        return definitions;
    }

    public Webhooks webhooks() {
        return webhooks;
    }

    @Override
    public void publish(Telemetry telemetry) {
        telemetry.storedGauge("tidemill.webhooks.broken", "Webhooks that cannot be used", webhooks::broken);
    }

    @Override
    public void prepare() {
        webhookStore.encryptAll();
    }

    @Override
    public void start(Set<ProcessRole> roles) {
        if (roles.contains(ProcessRole.CONTROL)) {
            webhooks.start();
        }
    }

    @Override
    public List<Loop> loops() {
        return webhooks.loops();
    }

    @Override
    public List<Kept> kept() {
        return new SqlEventRetention(database).kept(keepEvents, OUTSIDE_IDS);
    }

    @Override
    public List<Route> routes() {
        var routes = new ArrayList<>(new EventRoutes(events, webhooks, database).routes());
        routes.addAll(new RefusalRoutes(new SqlRefusals(database)).routes());
        routes.addAll(new DefinitionRoutes(definitions).routes());
        return routes;
    }

    @Override
    public void close() {
        webhooks.close();
        outbound.close();
    }
}
