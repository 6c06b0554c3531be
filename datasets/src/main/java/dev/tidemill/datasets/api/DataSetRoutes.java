package dev.tidemill.datasets.api;

import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Routes for data sets and their versions. */
public final class DataSetRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/data-sets";
    private static final Duration SAMPLE_TIMEOUT = Duration.ofSeconds(20);

    private final DataSets dataSets;
    private final QueryEngine engine;
    private final FairTurns turns;

    public DataSetRoutes(DataSets dataSets, QueryEngine engine, FairTurns turns) {
        this.turns = turns;
        this.dataSets = dataSets;
        this.engine = engine;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.DATA_SET, Action.READ);
        return List.of(
                Route.get(
                        PATH,
                        read,
                        (context, caller) -> context.json(Map.of("dataSets", dataSets.list(caller.project())))),
                Route.get(
                        PATH + "/{dataSet}",
                        read,
                        (context, caller) ->
                                context.json(dataSets.found(caller.project(), context.pathParam("dataSet")))),
                Route.get(PATH + "/{dataSet}/versions/{version}/sample", read, (context, caller) -> {
                            DataSetVersion version = dataSets.version(
                                    caller.project(),
                                    context.pathParam("dataSet") + "@" + Requests.positive(context, "version"));
                            context.json(Map.of(
                                    "rows",
                                    turns.run(
                                            caller,
                                            () -> engine.sample(
                                                    dataSets.files(version),
                                                    Requests.limit(context, 50, 500),
                                                    SAMPLE_TIMEOUT))));
                        })
                        .query("limit"));
    }
}
