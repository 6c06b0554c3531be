package dev.tidemill.identity;

import dev.tidemill.identity.api.IdentityRoutes;
import dev.tidemill.identity.domain.Projects;
import dev.tidemill.identity.domain.RememberedCallers;
import dev.tidemill.identity.domain.Rights;
import dev.tidemill.identity.domain.Tokens;
import dev.tidemill.identity.domain.Users;
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
    private final Users users;
    private final Tokens tokens;
    private final Projects projects;
    private final Authentication callers;
    private volatile Optional<String> setupSecret = Optional.empty();

    public IdentityModule(Database database, EventLog events, Clock clock, boolean loopback) {
        this.database = database;
        var store = new SqlIdentityStore(database);
        var rights = new Rights(store, database, clock, loopback);
        users = new Users(store, database, events, clock, rights);
        tokens = new Tokens(store, database, events, clock, rights);
        projects = new Projects(store, database, events, clock, rights);
        callers = new RememberedCallers(rights, rights::changes, clock);
    }

    /** Who calls, asked for every request. */
    public Authentication callers() {
        return callers;
    }

    /** The one-time secret with which the first administrator is made; empty once there is one. */
    public Optional<String> setupSecret() {
        return setupSecret;
    }

    @Override
    public void prepare() {
        projects.prepare();
        setupSecret = users.prepare();
    }

    @Override
    public List<Kept> kept() {
        return SqlIdentityRetention.kept(database);
    }

    @Override
    public List<Route> routes() {
        return new IdentityRoutes(users, tokens, projects).routes();
    }
}
