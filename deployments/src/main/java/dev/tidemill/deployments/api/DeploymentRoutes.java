package dev.tidemill.deployments.api;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Routes for deployments. */
public final class DeploymentRoutes {
    private static final String PATH = "/api/tidemill/v1/projects/{project}/deployments";

    private final Deployments deployments;
    private final Rollouts rollouts;
    private final Gateway gateway;

    public DeploymentRoutes(Deployments deployments, Rollouts rollouts, Gateway gateway) {
        this.deployments = deployments;
        this.rollouts = rollouts;
        this.gateway = gateway;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.DEPLOYMENT, Action.READ);
        var operate = Access.project(Resource.DEPLOYMENT, Action.OPERATE);
        return List.of(
                Route.get(
                        PATH,
                        read,
                        (context, caller) -> context.json(Map.of(
                                "deployments",
                                deployments.list(caller.project()).stream()
                                        .map(this::withTraffic)
                                        .toList()))),
                Route.get(
                        PATH + "/{deployment}",
                        read,
                        (context, caller) -> context.json(withTraffic(deployment(context, caller)))),
                Route.get(
                                PATH + "/{deployment}/decisions",
                                read,
                                (context, caller) -> context.json(Map.of(
                                        "decisions",
                                        rollouts.decisions(
                                                caller.project(),
                                                deployment(context, caller).name(),
                                                Requests.number(context, "before")
                                                        .orElse(Long.MAX_VALUE),
                                                Requests.limit(context, 500, 1000)))))
                        .query("before", "limit"),
                Route.delete(PATH + "/{deployment}", operate, (context, caller) -> {
                    deployments.delete(caller.project(), context.pathParam("deployment"), caller.actor());
                    context.status(204);
                }),
                Route.post(
                        PATH + "/{deployment}/retry",
                        operate,
                        (context, caller) -> context.json(
                                withTraffic(deployments.retry(caller.project(), context.pathParam("deployment"))))),
                Route.post(PATH + "/{deployment}/promote", operate, (context, caller) -> {
                    Deployment before = deployment(context, caller);
                    context.json(rollouts.promote(
                            before, "asked for by " + caller.actor(), Map.of(), before.eventTime(), caller.actor()));
                }),
                Route.post(PATH + "/{deployment}/reject", operate, (context, caller) -> {
                    Deployment before = deployment(context, caller);
                    context.json(rollouts.reject(
                            before, "asked for by " + caller.actor(), Map.of(), before.eventTime(), caller.actor()));
                }),
                Route.post(PATH + "/{deployment}/roll-back", operate, (context, caller) -> {
                            int version = RequestBody.object(context).positive("version");
                            context.json(rollouts.rollBack(
                                    caller.project(), context.pathParam("deployment"), version, caller.actor()));
                        })
                        .fields("version"));
    }

    private Deployment deployment(Context context, Caller caller) {
        return deployments.deployment(caller.project(), context.pathParam("deployment"));
    }

    private Map<String, Object> withTraffic(Deployment deployment) {
        var view = new LinkedHashMap<String, Object>();
        view.put("deployment", deployment);
        deployments.policy(deployment).ifPresent(policy -> view.put("policy", policy));
        view.put("serving", deployments.status(deployment));
        view.put("live", gateway.live(deployment.project(), deployment.name()));
        view.put("journal", journal(deployment));
        return view;
    }

    private Map<String, Object> journal(Deployment deployment) {
        var journal = new LinkedHashMap<String, Object>();
        journal.put("durable", deployment.definition().durableJournal());
        journal.put("dropped", gateway.droppedPredictions(deployment.project(), deployment.name()));
        gateway.dropReason(deployment.project(), deployment.name())
                .ifPresent(reason -> journal.put("dropReason", reason));
        // Nobody knows of which deployments the predictions are that cannot be read.
        journal.put("unreadableFiles", gateway.unreadableJournals());
        return journal;
    }
}
