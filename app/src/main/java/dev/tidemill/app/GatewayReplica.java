package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.inference.InferenceModule;
import dev.tidemill.inference.controlplane.ControlPlane;
import dev.tidemill.inference.controlplane.ControlPlaneAuthentication;
import dev.tidemill.inference.controlplane.ControlPlaneBlobs;
import dev.tidemill.inference.controlplane.ControlPlaneCatalog;
import dev.tidemill.inference.controlplane.ControlPlaneSink;
import dev.tidemill.inference.controlplane.PlanFeed;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.registry.RegistryModule;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process that only answers predictions. It has no database: plans, models and the judgement who calls come from the control
 * plane, predictions go there. While the control plane is away it goes on serving what it has.
 */
final class GatewayReplica implements Node {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayReplica.class);

    /** For how long files of models are kept that no plan needs; the control plane has them. */
    private static final Duration UNUSED_COPIES = Duration.ofDays(30);

    private final Parts parts = new Parts();
    private Listeners listeners = new Listeners("", "");

    private GatewayReplica() {}

    static GatewayReplica start(Settings settings) {
        var replica = new GatewayReplica();
        try {
            replica.assemble(settings);
            return replica;
        } catch (RuntimeException | Error e) {
            replica.close();
            throw e;
        }
    }

    private void assemble(Settings settings) {
        Clock clock = Clock.systemUTC();
        var directory = parts.keep(DataDirectory.open(Node.dataDirectory(settings)));
        parts.keep(new DirectoryWatch(directory)).start();
        var telemetry = parts.keep(new Telemetry(settings.optional(Setting.TRACES_ENDPOINT)));
        var control = parts.keep(
                new ControlPlane(settings.text(Setting.CONTROL_URL), settings.optional(Setting.CONTROL_TOKEN)));
        var blobs = new ControlPlaneBlobs(control, ArtifactsModule.folder(directory.folder("artifacts")));
        var inference = parts.keep(new InferenceModule(
                blobs,
                RegistryModule.inspector(blobs),
                new ControlPlaneCatalog(control),
                new ControlPlaneSink(control),
                DataPlane.journal(settings, directory, new DeletionHold()),
                Payloads.of(settings, Optional.empty(), clock),
                FeatureLookup.NONE,
                clock,
                DataPlane.options(settings, directory.folder("python"))));
        inference.publish(telemetry);
        var feed = parts.keep(
                new PlanFeed(control, inference.gateway(), directory.path().resolve("plans.json")));
        feed.start();
        var housekeeping = parts.keep(new Housekeeping(
                        List.of(new Chore("Unused copies of models", () -> {
                            int gone = blobs.removeUnused(
                                    inference.gateway().snapshot().plans(),
                                    clock.instant().minus(UNUSED_COPIES));
                            return Chore.told(gone > 0, gone + " files that no plan needs are gone");
                        })),
                        Duration.ofMinutes(settings.whole(Setting.RETENTION_PAUSE))))
                .start();
        var loops = new ArrayList<>(inference.loops());
        loops.addAll(List.of(feed.loop(), housekeeping.loop()));
        var background = new BackgroundWork(loops, clock);
        background.publish(telemetry);
        var protocols = DataPlane.protocols(settings, inference.gateway(), clock);
        var manifest = new RouteManifest()
                .add(OperationsRoutes.ofGateway(feed, telemetry, inference.environments(), background))
                .add(inference.routes())
                .add(protocols.routes())
                .addMethods(protocols.methods());
        RefusalJournal refusals = refusal -> LOG.warn(
                "Refused {} {} of {} at {}: {}",
                refusal.method(),
                refusal.path(),
                refusal.actor(),
                refusal.address(),
                refusal.code());
        var admission = new Admission(new ControlPlaneAuthentication(control, Listeners.isLoopback(settings)));
        listeners = Listeners.open(settings, manifest, admission, telemetry, refusals, parts);
        listeners.announce(directory.path());
    }

    @Override
    public String url() {
        return listeners.url();
    }

    @Override
    public String grpcAddress() {
        return listeners.grpc();
    }

    @Override
    public Optional<String> setupSecret() {
        return Optional.empty();
    }

    @Override
    public void close() {
        parts.close();
    }
}
