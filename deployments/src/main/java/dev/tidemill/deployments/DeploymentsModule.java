package dev.tidemill.deployments;

import dev.tidemill.deployments.api.DeploymentDefinitionKind;
import dev.tidemill.deployments.api.DeploymentRoutes;
import dev.tidemill.deployments.api.PolicyDefinitionKind;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Publications;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.deployments.steps.OfferStep;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.Models;
import java.time.Clock;
import java.util.List;

/** Wires deployments. */
public final class DeploymentsModule implements StepModule {
    public static final Schema SCHEMA = Schema.of("deployments");

    private final Deployments deployments;
    private final Rollouts rollouts;
    private final Publications publications;
    private final Gateway gateway;
    private final Pipelines pipelines;
    private final Models models;

    public DeploymentsModule(
            Database database,
            EventLog events,
            Clock clock,
            Models models,
            Aliases aliases,
            Pipelines pipelines,
            Gateway gateway,
            ModelLoader loader) {
        this.gateway = gateway;
        this.pipelines = pipelines;
        this.models = models;
        var store = new SqlDeploymentStore(database);
        this.publications = new Publications(store, models, gateway, clock);
        this.deployments = new Deployments(store, publications, database, events, clock);
        this.rollouts =
                new Rollouts(deployments, store, models, aliases, publications, loader, database, events, clock);
    }

    @Override
    public void publish(Telemetry telemetry) {
        telemetry.gauge(
                "tidemill.deployments.broken", "Deployments of which a model cannot be loaded", publications::broken);
    }

    @Override
    public void prepare() {
        deployments.publishAll();
    }

    @Override
    public void reset() {
        publications.forget();
    }

    public Deployments deployments() {
        return deployments;
    }

    public Rollouts rollouts() {
        return rollouts;
    }

    @Override
    public List<StepKind> stepKinds() {
        return List.of(new OfferStep(rollouts));
    }

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(
                new PolicyDefinitionKind(deployments, pipelines),
                new DeploymentDefinitionKind(deployments, models, pipelines));
    }

    @Override
    public List<Route> routes() {
        return new DeploymentRoutes(deployments, rollouts, gateway).routes();
    }

    @Override
    public void close() {
        publications.close();
    }
}
