package dev.tidemill.identity;

import dev.tidemill.identity.api.IdentityRoutes;
import dev.tidemill.identity.domain.Identity;
import dev.tidemill.identity.domain.RememberedCallers;
import dev.tidemill.identity.store.SqlIdentityRetention;
import dev.tidemill.identity.store.SqlIdentityStore;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.sql.Database;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Wires identity. */
public final class IdentityModule implements Module {
    public static final Schema SCHEMA = Schema.of("identity");

    private final Database database;
    private final Identity identity;
    private final Authentication callers;
    private volatile Optional<String> setupSecret = Optional.empty();

    public IdentityModule(Database database, EventLog events, Clock clock, boolean loopback) {
        this.database = database;
        identity = new Identity(new SqlIdentityStore(database), database, events, clock, loopback);
        callers = new RememberedCallers(identity, identity::changes, clock);
    }

    /** Who calls, asked for every request. */
    public Authentication callers() {
        return callers;
    }

    public Identity identity() {
        return identity;
    }

    /** The one-time secret with which the first administrator is made; empty once there is one. */
    public Optional<String> setupSecret() {
        return setupSecret;
    }

    @Override
    public void prepare() {
        setupSecret = identity.prepare();
    }

    @Override
    public List<Kept> kept() {
        return SqlIdentityRetention.kept(database);
    }

    @Override
    public List<Route> routes() {
        return new IdentityRoutes(identity).routes();
    }
}
