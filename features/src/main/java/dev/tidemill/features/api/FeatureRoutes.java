package dev.tidemill.features.api;

import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Routes for feature views. */
public final class FeatureRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/feature-views";
    private static final int MOST_ROWS = 1000;

    private final FeatureViews views;
    private final FairTurns turns;

    public FeatureRoutes(FeatureViews views, FairTurns turns) {
        this.turns = turns;
        this.views = views;
    }

    public List<Route> routes() {
        return List.of(
                Route.get(
                        PATH,
                        Access.project(Resource.FEATURE, Action.READ),
                        (context, caller) -> context.json(Map.of("featureViews", views.list(caller.project())))),
                Route.post(PATH + "/{view}/compute", Access.project(Resource.FEATURE, Action.READ), this::compute)
                        .fields("rows", "raw", "labels"));
    }

    @SuppressWarnings("unchecked")
    private void compute(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        var rows = new ArrayList<Map<String, Object>>();
        for (Body row : body.objects("rows", MOST_ROWS)) {
            rows.add((Map<String, Object>) Json.read(row.node().toString(), Map.class));
        }
        context.json(Map.of(
                "rows",
                turns.run(
                        caller,
                        () -> views.compute(
                                caller.project(),
                                context.pathParam("view"),
                                rows,
                                body.flag("raw"),
                                body.flag("labels")))));
    }
}
