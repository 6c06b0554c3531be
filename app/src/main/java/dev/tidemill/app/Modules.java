package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.datasets.DatasetsModule;
import dev.tidemill.deployments.DeploymentsModule;
import dev.tidemill.features.FeaturesModule;
import dev.tidemill.identity.IdentityModule;
import dev.tidemill.inference.ControlPlaneModule;
import dev.tidemill.inference.InferenceModule;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.MonitoringModule;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.PlatformModule;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.definitions.Definitions;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.registry.RegistryModule;
import dev.tidemill.tracking.TrackingModule;
import dev.tidemill.training.TrainingModule;
import dev.tidemill.wires.mlflow.MlflowModule;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import dev.tidemill.wires.otlp.OtlpModule;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The modules of a server, built from left to right, each of those before it.
 *
 * @param all in that order
 * @param oldRuns removes what pipelines made and nothing else holds, which takes three modules
 */
record Modules(
        PlatformModule platform,
        IdentityModule identity,
        ArtifactsModule artifacts,
        InferenceModule inference,
        List<Module> all,
        Chore oldRuns) {
    /** Of every module with tables, in the order of their migrations. */
    static final List<Schema> SCHEMAS = List.of(
            PlatformModule.SCHEMA,
            IdentityModule.SCHEMA,
            ArtifactsModule.SCHEMA,
            PipelinesModule.SCHEMA,
            DatasetsModule.SCHEMA,
            FeaturesModule.SCHEMA,
            TrackingModule.SCHEMA,
            RegistryModule.SCHEMA,
            DeploymentsModule.SCHEMA,
            MonitoringModule.SCHEMA);

    /** Ended runs of a pipeline that stay, however old. */
    private static final int NEWEST_RUNS = 10;

    /** @param parts where modules are kept until the server ends */
    static Modules build(Foundation on, Parts parts) {
        var settings = on.settings();
        var clock = on.clock();
        var database = on.database();
        var platform = parts.keep(on.platform());
        var events = platform.events();
        var identity = parts.keep(new IdentityModule(database, events, clock, Listeners.isLoopback(settings)));
        String artifactRoot = settings.text(Setting.ARTIFACT_ROOT).replaceFirst("/+$", "");
        var artifacts = parts.keep(new ArtifactsModule(
                database,
                on.artifactStorage(),
                settings.megabytes(Setting.UPLOAD_LIMIT),
                SCHEMAS,
                artifactRoot,
                System.getenv(),
                on.deletions(),
                clock));
        var pipelines =
                new PipelinesModule(database, events, clock, on.directory().folder("logs"), on.slots(), on.alone());
        var datasets = parts.keep(new DatasetsModule(
                database,
                events,
                clock,
                on.directory().folder("tables"),
                artifacts.blobs(),
                artifacts.tree(),
                on.steps(),
                on.interactive(),
                on.turns(),
                on.deletions()));
        var features = parts.keep(new FeaturesModule(database, datasets.dataSets(), datasets.engine(), on.turns()));
        var tracking = parts.keep(new TrackingModule(
                database,
                events,
                clock,
                artifacts.tree(),
                artifacts.located(),
                artifactRoot,
                settings.whole(Setting.RETENTION_DELETED)));
        var registry = parts.keep(new RegistryModule(
                database,
                events,
                clock,
                artifacts.tree(),
                artifacts.blobs(),
                artifacts.located(),
                "tidemill " + Version.current()));
        var sink = new LateSink();
        var inference = parts.keep(new InferenceModule(
                artifacts.blobs(),
                RegistryModule.inspector(artifacts.blobs()),
                InferenceModule.registered(registry.models(), registry.aliases()),
                sink,
                DataPlane.journal(settings, on.directory(), on.journalFiles()),
                Payloads.of(
                        settings,
                        Optional.of(new Payloads.Files(on.directory().folder("payloads"), datasets.engine())),
                        clock),
                FeatureLookup.NONE,
                clock,
                DataPlane.options(settings, on.directory().folder("python"))));
        var controlPlane = parts.keep(new ControlPlaneModule(
                inference,
                artifacts.blobs(),
                artifacts.tree(),
                datasets.dataSets(),
                datasets.engine(),
                pipelines.pipelines(),
                registry.registrations(),
                identity.callers(),
                on.directory().folder("scoring")));
        var deployments = parts.keep(new DeploymentsModule(
                database,
                events,
                clock,
                registry.models(),
                registry.aliases(),
                pipelines.pipelines(),
                inference.gateway(),
                inference.loader()));
        var training = parts.keep(new TrainingModule(
                datasets.dataSets(),
                tracking.tracking(),
                artifacts.blobs(),
                artifacts.tree(),
                on.steps(),
                deployments.rollouts()::incumbent,
                clock));
        var monitoring = parts.keep(new MonitoringModule(
                database,
                events,
                clock,
                deployments.deployments(),
                deployments.rollouts(),
                registry.models(),
                pipelines.pipelines(),
                inference.gateway(),
                inference.loader(),
                artifacts.blobs(),
                new MonitoringModule.Retention(
                        on.days(Setting.RETENTION_PREDICTIONS),
                        settings.whole(Setting.RETENTION_PREDICTIONS_LIMIT),
                        on.days(Setting.RETENTION_WINDOWS))));
        // What a module to the left must hear of one to the right.
        sink.connect(monitoring.monitoring());
        registry.models().knowUse(deployments.deployments());
        registry.trust().watch(deployments.deployments()::trustChanged);
        deployments
                .deployments()
                .onDelete((project, name) -> platform.definitions().forget(project, "Deployment", name));
        // Last, and so closed first: its steps use everything.
        parts.keep(pipelines);
        var all = List.of(
                platform,
                identity,
                artifacts,
                pipelines,
                datasets,
                features,
                features.steps(monitoring.monitoring()),
                tracking,
                registry,
                inference,
                controlPlane,
                training,
                deployments,
                monitoring,
                DataPlane.protocols(settings, inference.gateway(), clock),
                new OtlpModule(tracking.traces(), MlflowWireRoutes.ERRORS),
                mlflow(on, artifacts, tracking, registry, platform));
        register(all, platform.definitions(), pipelines);
        return new Modules(platform, identity, artifacts, inference, all, oldRuns(on, pipelines, artifacts, registry));
    }

    private static MlflowModule mlflow(
            Foundation on,
            ArtifactsModule artifacts,
            TrackingModule tracking,
            RegistryModule registry,
            PlatformModule platform) {
        return new MlflowModule(
                new MlflowModule.ArtifactDomain(
                        artifacts.tree(),
                        artifacts.located(),
                        artifacts.uploads(),
                        artifacts.links(),
                        on.settings().megabytes(Setting.UPLOAD_LIMIT)),
                new MlflowModule.TrackingDomain(
                        tracking.tracking(),
                        tracking.experiments(),
                        tracking.models(),
                        tracking.traces(),
                        tracking.evaluations(),
                        tracking.scorers(),
                        tracking.imports()),
                new MlflowModule.RegistryDomain(
                        registry.models(), registry.aliases(), registry.tags(), registry.registrations()),
                platform.webhooks(),
                on.clock());
    }

    /** Kinds of one module are known to all, whatever order they were built in. */
    private static void register(List<Module> all, Definitions definitions, PipelinesModule pipelines) {
        for (Module module : all) {
            module.definitionKinds().forEach(definitions::register);
            if (module instanceof StepModule steps) {
                steps.stepKinds().forEach(pipelines::add);
            }
        }
    }

    /** Runs that made a registered version stay, so that it can be made again; of the others go the blobs too. */
    private static Chore oldRuns(
            Foundation on, PipelinesModule pipelines, ArtifactsModule artifacts, RegistryModule registry) {
        long days = on.settings().whole(Setting.RETENTION_PIPELINES);
        var retention = pipelines.retention(
                registry.models()::makers,
                digest -> {
                    if (artifacts.blobs().find(digest).isPresent()) {
                        artifacts.tree().releaseFolders(List.of(digest));
                    }
                },
                on.deletions());
        return new Chore("Pipeline runs", () -> {
            if (days == 0) {
                return Optional.empty();
            }
            var removed = retention.apply(on.clock().instant().minus(Duration.ofDays(days)), NEWEST_RUNS);
            return Chore.told(
                    removed.runs() + removed.reusable() > 0,
                    removed.runs() + " that ended more than " + days + " days ago are gone, and " + removed.reusable()
                            + " results kept for reuse");
        });
    }

    /** Inference needs a sink before monitoring, which is built on inference, exists; what a former process left waits until then. */
    private static final class LateSink implements PredictionSink {
        private static final long PATIENCE_SECONDS = 10;

        private final CompletableFuture<PredictionSink> target = new CompletableFuture<>();

        void connect(PredictionSink sink) {
            target.complete(sink);
        }

        @Override
        public Taken append(List<Prediction> batch) {
            try {
                return target.get(PATIENCE_SECONDS, TimeUnit.SECONDS).append(batch);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("the server ends before it has begun", e);
            } catch (ExecutionException | TimeoutException e) {
                throw new IllegalStateException("monitoring is not there yet", e);
            }
        }
    }
}
