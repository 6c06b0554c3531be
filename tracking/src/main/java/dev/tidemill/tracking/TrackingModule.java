package dev.tidemill.tracking;

import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.api.RunRoutes;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.tracking.store.SqlRunStore;
import java.time.Clock;
import java.util.List;

/** Wires tracking. */
public final class TrackingModule {
    private final Tracking tracking;

    public TrackingModule(Database database, EventLog events, Clock clock) {
        this.tracking = new Tracking(new SqlRunStore(database), database, events, clock);
    }

    public Tracking tracking() {
        return tracking;
    }

    public List<Route> routes() {
        return new RunRoutes(tracking).routes();
    }
}
