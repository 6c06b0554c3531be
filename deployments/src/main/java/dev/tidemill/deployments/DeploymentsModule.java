package dev.tidemill.deployments;

import dev.tidemill.deployments.api.DeploymentDefinitionKind;
import dev.tidemill.deployments.api.DeploymentRoutes;
import dev.tidemill.deployments.api.PolicyDefinitionKind;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.steps.OfferStep;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.Models;
import java.time.Clock;
import java.util.List;

/** Wires deployments. */
public final class DeploymentsModule {
    private final Deployments deployments;
    private final Gateway gateway;

    public DeploymentsModule(
            Database database, EventLog events, Clock clock, Models models, Gateway gateway, ModelLoader loader) {
        this.gateway = gateway;
        this.deployments =
                new Deployments(new SqlDeploymentStore(database), models, gateway, loader, database, events, clock);
    }

    public Deployments deployments() {
        return deployments;
    }

    public List<StepKind> stepKinds() {
        return List.of(new OfferStep(deployments));
    }

    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new PolicyDefinitionKind(deployments), new DeploymentDefinitionKind(deployments));
    }

    public List<Route> routes() {
        return new DeploymentRoutes(deployments, gateway).routes();
    }
}
