package dev.tidemill.registry;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.api.MlflowRegistryRoutes;
import dev.tidemill.registry.api.MlflowWebhookFormat;
import dev.tidemill.registry.api.MlflowWebhookRoutes;
import dev.tidemill.registry.api.ModelImportRoutes;
import dev.tidemill.registry.api.ModelRoutes;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.mlflow.FolderInspector;
import dev.tidemill.registry.steps.RegisterStep;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.Tracking;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** Wires the registry. */
public final class RegistryModule {
    private final Models models;
    private final LoggedModels logged;
    private final Webhooks webhooks;
    private final Tracking tracking;
    private final String codeVersion;

    public RegistryModule(
            Database database,
            EventLog events,
            Clock clock,
            ArtifactTree tree,
            BlobStore blobs,
            LoggedModels logged,
            Tracking tracking,
            Webhooks webhooks,
            String codeVersion) {
        this.models =
                new Models(new SqlModelStore(database), tree, new FolderInspector(blobs), database, events, clock);
        this.webhooks = webhooks;
        webhooks.add(MlflowWebhookFormat.NAME, new MlflowWebhookFormat());
        this.logged = logged;
        this.tracking = tracking;
        this.codeVersion = codeVersion;
    }

    public Models models() {
        return models;
    }

    public List<StepKind> stepKinds() {
        return List.of(new RegisterStep(models, codeVersion));
    }

    public List<Route> routes() {
        var routes = new ArrayList<>(new ModelRoutes(models).routes());
        routes.addAll(new MlflowRegistryRoutes(models, logged, tracking).routes());
        routes.addAll(new MlflowWebhookRoutes(webhooks).routes());
        routes.addAll(new ModelImportRoutes(models).routes());
        return routes;
    }
}
