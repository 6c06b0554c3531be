package dev.tidemill.artifacts.api;

import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.List;

/** Removes blobs that nothing refers to, on demand. */
public final class CollectionRoutes {
    private final BlobCollector collector;

    public CollectionRoutes(BlobCollector collector) {
        this.collector = collector;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/api/tidemill/v1/collect", Access.server(Resource.SERVER, Action.ADMINISTER), this::collect)
                        .fields("graceHours", "dryRun"));
    }

    private void collect(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        double hours = body.node().has("graceHours") ? body.number("graceHours") : 24;
        if (hours < 0 || hours > 24 * 365) {
            throw TidemillException.invalid("graceHours", "'" + hours + "' is not a number of hours from 0 to 8760");
        }
        context.json(collector.collect(Duration.ofSeconds((long) (hours * 3600)), body.flag("dryRun")));
    }
}
