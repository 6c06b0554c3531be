package dev.tidemill.tracking.api;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import dev.tidemill.tracking.domain.Retention;
import io.javalin.http.Context;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Removes for good what was deleted long enough ago. */
public final class RetentionRoutes {
    private static final double MOST_DAYS = 36_500;

    private final Retention retention;
    private final Clock clock;

    public RetentionRoutes(Retention retention, Clock clock) {
        this.retention = retention;
        this.clock = clock;
    }

    public List<Route> routes() {
        return List.of(Route.post(
                        "/api/tidemill/v1/projects/{project}/purge",
                        Access.project(Resource.EXPERIMENT, Action.OPERATE),
                        this::purge)
                .fields("all", "deletedDays", "dryRun"));
    }

    private void purge(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        double days = body.flag("all") ? 0 : body.number("deletedDays");
        if (days == 0 && !body.flag("all")) {
            throw TidemillException.invalid(
                            "deletedDays",
                            "0 days mean that deleted runs are kept for ever, as in retention.deleted-days")
                    .remedy("Say all: true (tidemill runs purge --all) to remove every deleted run now");
        }
        if (days < 0 || days > MOST_DAYS) {
            throw TidemillException.invalid("deletedDays", "'" + days + "' is not a number of days up to 36500");
        }
        Instant before = clock.instant().minus(Duration.ofSeconds((long) (days * 86_400)));
        context.json(
                body.flag("dryRun")
                        ? Map.of("runs", retention.count(caller.project(), before), "experiments", 0)
                        : retention.purge(caller.project(), before, caller.actor()));
    }
}
