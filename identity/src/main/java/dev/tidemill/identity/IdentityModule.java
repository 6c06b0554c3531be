package dev.tidemill.identity;

import dev.tidemill.identity.api.IdentityRoutes;
import dev.tidemill.identity.domain.Identity;
import dev.tidemill.identity.domain.RememberedCallers;
import dev.tidemill.identity.store.SqlIdentityRetention;
import dev.tidemill.identity.store.SqlIdentityStore;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.sql.Database;
import java.time.Clock;
import java.util.List;

/** Wires identity. */
public final class IdentityModule {
    private final Database database;
    private final Identity identity;
    private final Authentication callers;

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

    /** What of it is kept for a while. */
    public List<Kept> kept() {
        return SqlIdentityRetention.kept(database);
    }

    public List<Route> routes() {
        return new IdentityRoutes(identity).routes();
    }
}
