package dev.tidemill.tracking.api;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Tracking;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Routes for experiments and runs. */
public final class RunRoutes {
    private static final String PROJECT = "/api/tidemill/v1/projects/{project}";
    private static final int BUCKETS = 1_000;

    private final Tracking tracking;
    private final Experiments experiments;

    public RunRoutes(Tracking tracking, Experiments experiments) {
        this.tracking = tracking;
        this.experiments = experiments;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        return List.of(
                Route.get(
                        PROJECT + "/experiments",
                        read,
                        (context, caller) -> context.json(Map.of(
                                "experiments",
                                experiments
                                        .search(
                                                caller.project(),
                                                Lifecycle.ACTIVE_ONLY,
                                                "",
                                                List.of("experiment_id"),
                                                Optional.empty(),
                                                10_000)
                                        .items()))),
                Route.get(
                        PROJECT + "/runs",
                        read,
                        (context, caller) -> context.json(Map.of(
                                "runs",
                                tracking
                                        .runs(
                                                caller.project(),
                                                Requests.number(context, "experiment"),
                                                Requests.text(context, "before"),
                                                Requests.limit(context, 100, 1000))
                                        .stream()
                                        .map(RunJson::of)
                                        .toList()))),
                Route.get(
                        PROJECT + "/runs/{run}",
                        read,
                        (context, caller) -> context.json(RunJson.of(tracking.run(caller.project(), id(context))))),
                Route.get(
                        PROJECT + "/runs/{run}/metrics/{metric}",
                        read,
                        (context, caller) -> context.json(Map.of(
                                "points",
                                tracking.curve(
                                        caller.project(),
                                        id(context),
                                        context.pathParam("metric"),
                                        Tracking.Span.ALL,
                                        BUCKETS)))));
    }

    private static RunId id(Context context) {
        return new RunId(context.pathParam("run"));
    }
}
