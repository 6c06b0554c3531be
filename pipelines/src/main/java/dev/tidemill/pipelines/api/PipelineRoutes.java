package dev.tidemill.pipelines.api;

import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.StepLog;
import dev.tidemill.pipelines.domain.StepRun;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.ServerSentEvents;
import dev.tidemill.platform.json.Body;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Routes for pipelines and their runs. */
public final class PipelineRoutes {
    private static final String PROJECT = "/api/tidemill/v1/projects/{project}";
    private static final String RUN = PROJECT + "/pipeline-runs/{run}";
    private static final int LOG_CHUNK = 256 * 1024;
    private static final long LOG_PAUSE_MILLIS = 200;

    private final Pipelines pipelines;
    private final StepLog log;

    public PipelineRoutes(Pipelines pipelines, StepLog log) {
        this.pipelines = pipelines;
        this.log = log;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.PIPELINE, Action.READ);
        var write = Access.project(Resource.PIPELINE, Action.WRITE);
        return List.of(
                Route.get(
                        PROJECT + "/pipelines",
                        read,
                        (context, caller) -> context.json(Map.of("pipelines", pipelines.list(caller.project())))),
                Route.get(
                        PROJECT + "/pipelines/{pipeline}",
                        read,
                        (context, caller) ->
                                context.json(pipelines.pipeline(caller.project(), context.pathParam("pipeline")))),
                Route.post(PROJECT + "/pipelines/{pipeline}/runs", write, this::start)
                        .fields("parameters", "cause", "requestKey"),
                Route.get(
                                PROJECT + "/pipeline-runs",
                                read,
                                (context, caller) -> context.json(Map.of(
                                        "runs",
                                        pipelines.runs(
                                                caller.project(),
                                                Requests.text(context, "pipeline"),
                                                Requests.text(context, "before"),
                                                Requests.limit(context, 50, 500)))))
                        .query("pipeline", "before", "limit"),
                Route.get(RUN, read, this::show),
                Route.post(
                        RUN + "/cancel",
                        write,
                        (context, caller) ->
                                context.json(pipelines.cancel(caller.project(), id(context), caller.actor()))),
                Route.post(
                        RUN + "/resume",
                        write,
                        (context, caller) ->
                                context.json(pipelines.resume(caller.project(), id(context), caller.actor()))),
                Route.get(RUN + "/steps/{step}/log", read, this::readLog).query("offset"),
                Route.get(RUN + "/steps/{step}/log/stream", read, this::streamLog));
    }

    private static PipelineRunId id(Context context) {
        return new PipelineRunId(context.pathParam("run"));
    }

    private void start(Context context, Caller caller) {
        Body body = RequestBody.optionalObject(context);
        PipelineRun run = pipelines.start(
                caller.project(),
                context.pathParam("pipeline"),
                body.texts("parameters"),
                caller.actor(),
                body.optionalText("cause"),
                body.optionalText("requestKey"));
        context.status(201).json(run);
    }

    /** A run with its graph and the state of each step. */
    record RunView(PipelineRun run, Pipeline pipeline, List<StepRun> steps) {}

    private void show(Context context, Caller caller) {
        PipelineRun run = pipelines.run(caller.project(), id(context));
        context.json(new RunView(run, pipelines.definition(run), pipelines.steps(run.id())));
    }

    private StepRun step(Context context, Caller caller) {
        PipelineRun run = pipelines.run(caller.project(), id(context));
        String name = context.pathParam("step");
        return pipelines.steps(run.id()).stream()
                .filter(step -> step.name().equals(name))
                .findFirst()
                .orElseThrow(() -> TidemillException.notFound("step", name));
    }

    private void readLog(Context context, Caller caller) {
        StepRun step = step(context, caller);
        long offset = Requests.number(context, "offset").orElse(0L);
        context.json(log.read(step.runId(), step.name(), offset, LOG_CHUNK));
    }

    /** Follows a step's log until the step has ended and all of it has been sent. */
    private void streamLog(Context context, Caller caller) throws IOException, InterruptedException {
        // A step that is not there is refused before the answer begins.
        step(context, caller);
        long offset = Optional.ofNullable(context.header("Last-Event-ID"))
                .filter(text -> text.matches("\\d{1,18}"))
                .map(Long::parseLong)
                .orElse(0L);
        try (var stream = ServerSentEvents.open(context, caller)) {
            follow(stream, offset, context, caller);
        }
    }

    private void follow(ServerSentEvents stream, long from, Context context, Caller caller)
            throws IOException, InterruptedException {
        long offset = from;
        while (true) {
            StepRun step = step(context, caller);
            boolean ended = step.state().isFinal();
            StepLog.Chunk chunk = log.read(step.runId(), step.name(), offset, LOG_CHUNK);
            if (chunk.nextOffset() > offset) {
                offset = chunk.nextOffset();
                stream.send(Long.toString(offset), "log", chunk.text());
            } else if (ended) {
                stream.send(Long.toString(offset), "end", "");
                return;
            } else {
                stream.heartbeat();
                Thread.sleep(LOG_PAUSE_MILLIS);
            }
        }
    }
}
