package dev.tidemill.wires.mlflow;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.tracking.domain.EvaluationDataSets;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Imports;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.Scorers;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.wires.mlflow.artifacts.MlflowArtifactRoutes;
import dev.tidemill.wires.mlflow.artifacts.MlflowTransferRoutes;
import dev.tidemill.wires.mlflow.imports.ModelImportRoutes;
import dev.tidemill.wires.mlflow.imports.RunImportRoutes;
import dev.tidemill.wires.mlflow.registry.MlflowRegistryRoutes;
import dev.tidemill.wires.mlflow.registry.MlflowWebhookFormat;
import dev.tidemill.wires.mlflow.registry.MlflowWebhookRoutes;
import dev.tidemill.wires.mlflow.traces.MlflowEvaluationRoutes;
import dev.tidemill.wires.mlflow.traces.MlflowScorerRoutes;
import dev.tidemill.wires.mlflow.traces.MlflowTraceMetricRoutes;
import dev.tidemill.wires.mlflow.traces.MlflowTraceRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowExperimentRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowLoggedModelRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowPageRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowPresignedRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowRefusedRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowRunRoutes;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

/** Wires MLflow's services for what artifacts, tracking and the registry hold. */
public final class MlflowModule implements Module {
    /** @param uploadLimit most bytes of one upload */
    public record ArtifactDomain(
            ArtifactTree tree, LocatedFiles files, MultipartUploads uploads, SignedLinks links, long uploadLimit) {}

    public record TrackingDomain(
            Tracking tracking,
            Experiments experiments,
            LoggedModels models,
            Traces traces,
            EvaluationDataSets evaluations,
            Scorers scorers,
            Imports imports) {}

    public record RegistryDomain(Models models, Aliases aliases, ModelTags tags, Registrations registrations) {}

    private final ArtifactDomain artifacts;
    private final TrackingDomain runs;
    private final RegistryDomain registry;
    private final Webhooks webhooks;
    private final Clock clock;

    public MlflowModule(
            ArtifactDomain artifacts, TrackingDomain runs, RegistryDomain registry, Webhooks webhooks, Clock clock) {
        this.artifacts = artifacts;
        this.runs = runs;
        this.registry = registry;
        this.webhooks = webhooks;
        this.clock = clock;
        webhooks.add(MlflowWebhookFormat.NAME, new MlflowWebhookFormat());
    }

    @Override
    public List<Route> routes() {
        var tree = artifacts.tree();
        var files = artifacts.files();
        return Stream.of(
                        new MlflowArtifactRoutes(tree, artifacts.uploadLimit()).routes(),
                        new MlflowTransferRoutes(tree, artifacts.uploads(), artifacts.links(), artifacts.uploadLimit())
                                .routes(),
                        new MlflowExperimentRoutes(runs.experiments()).routes(),
                        new MlflowRunRoutes(runs.tracking(), files).routes(),
                        new MlflowLoggedModelRoutes(runs.models()).routes(),
                        new MlflowPageRoutes(runs.tracking(), runs.experiments(), runs.models(), tree, files).routes(),
                        new MlflowPresignedRoutes(runs.tracking(), tree, files, artifacts.links()).routes(),
                        MlflowRefusedRoutes.routes(),
                        new MlflowTraceRoutes(runs.traces()).routes(),
                        new MlflowTraceMetricRoutes(runs.traces()).routes(),
                        new MlflowEvaluationRoutes(runs.evaluations(), clock).routes(),
                        new MlflowScorerRoutes(runs.scorers()).routes(),
                        new MlflowRegistryRoutes(
                                        registry.models(),
                                        registry.aliases(),
                                        registry.tags(),
                                        registry.registrations(),
                                        runs.models(),
                                        runs.tracking())
                                .routes(),
                        new MlflowWebhookRoutes(webhooks).routes(),
                        new RunImportRoutes(runs.imports()).routes(),
                        new ModelImportRoutes(registry.models(), registry.registrations()).routes())
                .flatMap(List::stream)
                .toList();
    }
}
