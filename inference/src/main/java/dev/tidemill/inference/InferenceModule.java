package dev.tidemill.inference;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.inference.api.InferenceMethods;
import dev.tidemill.inference.api.InferenceRoutes;
import dev.tidemill.inference.api.PlaneRoutes;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.runtime.TreeModelLoader;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.platform.http.Route;
import java.time.Clock;
import java.util.List;

/** Wires inference. */
public final class InferenceModule implements AutoCloseable {
    private final PredictionJournal journal;
    private final ModelLoader loader;
    private final Gateway gateway;
    private final BlobStore blobs;
    private final Clock clock;
    private final String version;

    /**
     * @param sink where journalled predictions go
     * @param version of the server, as told to clients
     */
    public InferenceModule(BlobStore blobs, PredictionSink sink, Clock clock, String version) {
        this.blobs = blobs;
        this.clock = clock;
        this.version = version;
        this.journal = new PredictionJournal(sink);
        this.loader = new TreeModelLoader(blobs);
        this.gateway = new Gateway(loader, journal, clock);
    }

    public Gateway gateway() {
        return gateway;
    }

    public ModelLoader loader() {
        return loader;
    }

    public List<Route> routes() {
        return new InferenceRoutes(gateway, clock, version).routes();
    }

    /**
     * What gateways in other processes ask.
     *
     * @param target where their predictions go
     */
    public List<Route> planeRoutes(PredictionSink target, Authentication authentication) {
        return new PlaneRoutes(gateway, blobs, target, authentication).routes();
    }

    public List<GrpcMethod<?, ?>> methods() {
        return new InferenceMethods(gateway, clock, version).methods();
    }

    @Override
    public void close() {
        journal.close();
    }
}
