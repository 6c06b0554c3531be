package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.Recipe;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunQuery;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.tracking.domain.Tracking.Bulk;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Our own routes for experiments and runs. */
public final class RunRoutes {
    private static final String PROJECT = "/api/tidemill/v1/projects/{project}";
    private static final String RUN = PROJECT + "/runs/{run}";
    private static final int BUCKETS = 1_000;
    private static final int MOST_RUNS = 1_000;
    private static final int MOST_AT_ONCE = 100_000;
    private static final int MOST_POINTS = 200_000;

    private final Tracking tracking;
    private final Experiments experiments;
    private final LocatedFiles files;

    public RunRoutes(Tracking tracking, Experiments experiments, LocatedFiles files) {
        this.tracking = tracking;
        this.experiments = experiments;
        this.files = files;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.EXPERIMENT, Action.READ);
        var write = Access.project(Resource.EXPERIMENT, Action.WRITE);
        return List.of(
                Route.get(PROJECT + "/experiments", read, this::listExperiments).query("deleted"),
                Route.get(
                                PROJECT + "/runs",
                                read,
                                (context, caller) -> RunJson.write(
                                        context,
                                        tracking.runs(
                                                caller.project(),
                                                Requests.number(context, "experiment"),
                                                Requests.text(context, "before"),
                                                Requests.limit(context, 100, 1000)),
                                        Optional.empty()))
                        .query("experiment", "before", "limit"),
                Route.post(PROJECT + "/runs/search", read, this::search)
                        .fields("experiments", "filter", "order", "lifecycle", "limit", "token", "count"),
                Route.post(
                                PROJECT + "/runs/names",
                                read,
                                (context, caller) -> context.json(tracking.names(
                                        caller.project(), experimentIds(RequestBody.object(context), caller))))
                        .fields("experiments"),
                Route.post(PROJECT + "/runs/bulk", write, this::bulk)
                        .fields("action", "runs", "filter", "experiments", "order", "lifecycle", "name", "value"),
                Route.post(PROJECT + "/runs/curves", read, this::curves)
                        .fields("runs", "metric", "buckets", "first", "last"),
                Route.get(
                        RUN,
                        read,
                        (context, caller) -> RunJson.write(context, tracking.run(caller.project(), id(context)))),
                Route.put(RUN, write, this::create).fields("experiment", "name", "user", "startedAt", "tags"),
                Route.get(
                        RUN + "/metrics/{metric}",
                        read,
                        (context, caller) -> context.json(Map.of(
                                "points",
                                tracking.curve(
                                        caller.project(),
                                        id(context),
                                        context.pathParam("metric"),
                                        Tracking.Span.ALL,
                                        BUCKETS)))),
                Route.get(
                                RUN + "/artifacts",
                                read,
                                (context, caller) -> context.json(ArtifactListing.of(
                                        files,
                                        caller.project(),
                                        tracking.info(caller.project(), id(context))
                                                .artifacts(),
                                        Requests.text(context, "path").orElse(""))))
                        .query("path"),
                Route.file(RUN + "/files/<path>", read, this::file),
                Route.get(
                        RUN + "/recipe",
                        read,
                        (context, caller) ->
                                context.json(recipe(caller.project(), tracking.run(caller.project(), id(context))))));
    }

    private static RunId id(Context context) {
        return new RunId(context.pathParam("run"));
    }

    /** Clients that log while no server is there choose the id themselves, and may tell it again. */
    private void create(Context context, Caller caller) {
        String id = context.pathParam("run");
        if (!id.matches("[0-9a-f]{32}")) {
            throw TidemillException.invalid("run", "'" + id + "' is not 32 hexadecimal digits");
        }
        Body told = RequestBody.object(context);
        context.json(RunJson.of(tracking.createAs(
                caller.project(),
                new RunId(id),
                told.text("experiment"),
                told.text("name"),
                told.optionalText("user").orElse(""),
                told.instant("startedAt"),
                told.texts("tags"),
                caller.actor())));
    }

    private void listExperiments(Context context, Caller caller) {
        Lifecycle lifecycle = Requests.flag(context, "deleted") ? Lifecycle.DELETED_ONLY : Lifecycle.ACTIVE_ONLY;
        context.json(Map.of(
                "experiments",
                experiments
                        .search(caller.project(), lifecycle, "", List.of("experiment_id"), Optional.empty(), 10_000)
                        .items()));
    }

    /** The experiments that are named, or every active one of the project. */
    private List<String> experimentIds(Body body, Caller caller) {
        List<String> named = body.list("experiments");
        return named.isEmpty()
                ? experiments
                        .search(caller.project(), Lifecycle.ALL, "", List.of("experiment_id"), Optional.empty(), 10_000)
                        .items()
                        .stream()
                        .map(experiment -> experiment.reference())
                        .toList()
                : named;
    }

    private RunQuery query(Body body, Caller caller) {
        Lifecycle lifecycle =
                switch (body.optionalText("lifecycle").orElse("active")) {
                    case "active" -> Lifecycle.ACTIVE_ONLY;
                    case "deleted" -> Lifecycle.DELETED_ONLY;
                    case "all" -> Lifecycle.ALL;
                    default ->
                        throw TidemillException.invalid(
                                "lifecycle", "'" + body.text("lifecycle") + "' is none of active, deleted and all");
                };
        return new RunQuery(
                experimentIds(body, caller),
                lifecycle,
                body.optionalText("filter").orElse(""),
                body.list("order"));
    }

    private void search(Context context, Caller caller) throws IOException {
        Body body = RequestBody.object(context);
        RunQuery query = query(body, caller);
        int limit = Limits.pageSize(body.optionalWhole("limit").orElse(100L), MOST_RUNS);
        var page = tracking.search(caller.project(), query, body.optionalText("token"), limit);
        RunJson.write(
                context,
                page,
                body.flag("count") ? Optional.of(tracking.count(caller.project(), query)) : Optional.empty());
    }

    /** Does one thing to the runs that are named, or to all that a search finds. */
    private void bulk(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        Bulk what =
                switch (body.text("action")) {
                    case "delete" -> new Bulk.Delete();
                    case "restore" -> new Bulk.Restore();
                    case "tag" -> new Bulk.Tag(body.text("name"), body.text("value"));
                    case "untag" -> new Bulk.Untag(body.text("name"));
                    default ->
                        throw TidemillException.invalid(
                                "action", "'" + body.text("action") + "' is none of delete, restore, tag and untag");
                };
        List<RunId> ids = body.list("runs").stream().map(RunId::new).toList();
        if (ids.isEmpty() && !body.node().has("filter")) {
            throw TidemillException.invalid("runs", "Name the runs, or give the filter that finds them");
        }
        List<RunId> all = ids.isEmpty() ? tracking.ids(caller.project(), query(body, caller), MOST_AT_ONCE) : ids;
        context.json(Map.of("changed", tracking.all(caller.project(), all, what, caller.actor())));
    }

    /** One metric of many runs, each curve thinned so that all of them together stay small. */
    private void curves(Context context, Caller caller) throws IOException {
        Body body = RequestBody.object(context);
        List<String> runs = body.list("runs");
        if (runs.isEmpty() || runs.size() > MOST_RUNS) {
            throw TidemillException.invalid("runs", "Name 1 to " + MOST_RUNS + " runs, not " + runs.size());
        }
        String metric = body.text("metric");
        int buckets = Math.clamp(
                Math.min(body.optionalWhole("buckets").orElse((long) BUCKETS), MOST_POINTS / 2 / runs.size()),
                10,
                5_000);
        var span = new Tracking.Span(
                body.optionalWhole("first").orElse(Long.MIN_VALUE),
                body.optionalWhole("last").orElse(Long.MAX_VALUE));
        ObjectNode json = Json.object();
        ArrayNode list = json.putArray("curves");
        for (String run : runs) {
            ObjectNode curve = list.addObject().put("run", run);
            ArrayNode steps = curve.putArray("steps");
            ArrayNode times = curve.putArray("times");
            ArrayNode values = curve.putArray("values");
            List<MetricPoint> points = tracking.curve(caller.project(), new RunId(run), metric, span, buckets);
            RowBytes.take(points.size() * RowBytes.OF_ENTRY);
            for (MetricPoint point : points) {
                steps.add(point.step());
                times.add(point.recordedAt().toEpochMilli());
                if (Double.isNaN(point.value())) {
                    values.addNull();
                } else {
                    values.add(point.value());
                }
            }
        }
        StreamedJson.write(context, json);
    }

    private FileAnswer file(Context context, Caller caller) {
        String path = context.pathParam("path");
        String root = tracking.info(caller.project(), id(context)).artifacts();
        LocatedFiles.Found found = files.get(caller.project(), root, path);
        return new FileAnswer(path, found.size(), found.digest().map(Digest::value), found.content());
    }

    private Recipe recipe(String project, Run run) {
        return Recipe.of(
                run,
                files.list(project, run.artifacts(), "reproduce").stream()
                        .map(LocatedFiles.Listed::path)
                        .toList());
    }
}
