package dev.tidemill.monitoring.api;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.monitoring.domain.Obstacles;
import dev.tidemill.monitoring.domain.Windows;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.statistics.ProfileMaps;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Routes for labels, watermarks, windows and reports. */
public final class MonitoringRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/deployments/{deployment}";
    private static final int MOST_LABELS = 10_000;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long LOOK_MILLIS = 2;

    private final Monitoring monitoring;
    private final Deployments deployments;
    private final Models models;
    private final Windows profiles;
    private final Obstacles obstacles;

    public MonitoringRoutes(
            Monitoring monitoring, Deployments deployments, Models models, Windows profiles, Obstacles obstacles) {
        this.monitoring = monitoring;
        this.deployments = deployments;
        this.models = models;
        this.profiles = profiles;
        this.obstacles = obstacles;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.MONITOR, Action.READ);
        var write = Access.project(Resource.MONITOR, Action.WRITE);
        return List.of(
                Route.post(PATH + "/labels", write, this::label).fields("labels"),
                Route.post(PATH + "/watermark", write, this::declareWatermark).fields("time"),
                Route.get(PATH + "/windows", read, this::windows).query("before", "limit"),
                Route.get(PATH + "/monitoring", read, this::state),
                Route.get(PATH + "/reference", read, this::reference).query("version"),
                Route.get(PATH + "/predictions", read, this::predictions)
                        .query("from", "until", "limit", "page_token", "total"),
                Route.get(PATH + "/report", read, this::report).query("baseline"));
    }

    private Deployment deployment(Context context, Caller caller) {
        return deployments.deployment(caller.project(), context.pathParam("deployment"));
    }

    private void label(Context context, Caller caller) {
        List<Label> labels = RequestBody.object(context).objects("labels", MOST_LABELS).stream()
                .map(entry -> {
                    entry.only(Set.of("id", "value"));
                    var value = entry.node().path("value");
                    if (value.isMissingNode()) {
                        throw TidemillException.invalid("value", "A label has no 'value'; it is a number or a text");
                    }
                    if (!value.isValueNode() || value.isNull()) {
                        throw TidemillException.invalid("value", "A label's value is a number or a text, not " + value);
                    }
                    return new Label(entry.text("id"), value.asText());
                })
                .toList();
        context.json(
                monitoring.label(caller.project(), deployment(context, caller).name(), labels));
    }

    /**
     * Declares the watermark and waits a while for what is due to be decided and to be in force, so that whoever replays data meets
     * the version that was decided; {@code settled: false} asks the caller to ask again, unless the state says that ticks fail.
     */
    private void declareWatermark(Context context, Caller caller) throws InterruptedException {
        Instant time = RequestBody.object(context).instant("time");
        String name = deployment(context, caller).name();
        monitoring.declareWatermark(caller.project(), name, time);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        boolean settled;
        while (!(settled =
                        monitoring.isSettled(caller.project(), name) && !deployments.isTakingUp(caller.project(), name))
                && !monitoring.isHalted(caller.project(), name)
                && System.nanoTime() < deadline) {
            Thread.sleep(LOOK_MILLIS);
        }
        var answer = new LinkedHashMap<String, Object>();
        answer.put("settled", settled);
        monitoring.state(caller.project(), name).ifPresent(state -> answer.put("state", state));
        answer.put("deployment", deployments.deployment(caller.project(), name));
        context.json(answer);
    }

    private void reference(Context context, Caller caller) {
        Deployment deployment = deployment(context, caller);
        int number = Requests.optionalPositive(context, "version")
                .or(deployment::champion)
                .orElseThrow(() -> TidemillException.notFound("champion of deployment", deployment.name()));
        var version = models.version(caller.project(), deployment.definition().model(), number);
        context.json(Map.of(
                "version",
                number,
                "profile",
                profiles.reference(version).map(ProfileMaps::toMap).orElse(Map.of())));
    }

    /**
     * The newest predictions, in order, fewer than asked for where they hold much; a token asks for those before them. Their number in
     * all is counted where it is asked for.
     */
    private void predictions(Context context, Caller caller) {
        Deployment deployment = deployment(context, caller);
        var range = new JournalStore.Range(
                caller.project(),
                deployment.name(),
                Requests.instant(context, "from").orElse(Instant.EPOCH),
                Requests.instant(context, "until").orElse(Instant.ofEpochMilli(Long.MAX_VALUE)));
        int limit = Requests.limit(context, 200, 5000);
        Portion<JournalRow> page =
                monitoring.newest(range, Requests.text(context, "page_token").map(PageToken::position), limit);
        var answer = new LinkedHashMap<String, Object>();
        if (Requests.flag(context, "total")) {
            answer.put("total", monitoring.count(range));
        }
        answer.put("predictions", page.items().reversed());
        if (page.more() && !page.items().isEmpty()) {
            answer.put("next_page_token", PageToken.of(page.items().getLast().position()));
        }
        context.json(answer);
    }

    /** The newest windows, oldest first, fewer than asked for where they hold much; {@code next_before} asks for those before them. */
    private void windows(Context context, Caller caller) {
        Portion<ClosedWindow> page = monitoring.windows(
                caller.project(),
                deployment(context, caller).name(),
                Requests.instant(context, "before").orElse(Instant.ofEpochMilli(Long.MAX_VALUE)),
                Requests.limit(context, 200, 1000));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("windows", page.items());
        if (page.more() && !page.items().isEmpty()) {
            answer.put("next_before", page.items().getFirst().endsAt());
        }
        context.json(answer);
    }

    /** How far the watching of a deployment has come, what it could not believe, and why it does nothing now. */
    private void state(Context context, Caller caller) {
        Deployment deployment = deployment(context, caller);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("obstacles", obstacles.of(deployment));
        monitoring.state(caller.project(), deployment.name()).ifPresent(state -> {
            answer.put("state", state);
            state.clock().cause().ifPresent(cause -> answer.put("quarantineCause", cause.cause()));
            state.clock().remedy().ifPresent(remedy -> answer.put("quarantineRemedy", remedy));
        });
        context.json(answer);
    }

    private void report(Context context, Caller caller) {
        Deployment deployment = deployment(context, caller);
        int baseline = Requests.optionalPositive(context, "baseline").orElse(1);
        context.json(Map.of(
                "baseline", baseline, "months", monitoring.monthly(caller.project(), deployment.name(), baseline)));
    }
}
