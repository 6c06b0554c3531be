package dev.tidemill.inference;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.inference.api.InferenceMetrics;
import dev.tidemill.inference.api.PythonRoutes;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.IdleModels;
import dev.tidemill.inference.domain.ModelCache;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ModelEnvironments;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.graph.GraphFiles;
import dev.tidemill.inference.graph.GraphRuntime;
import dev.tidemill.inference.journal.SegmentedLog;
import dev.tidemill.inference.mlflow.InputExample;
import dev.tidemill.inference.onnx.OnnxModels;
import dev.tidemill.inference.python.PythonRuntime;
import dev.tidemill.inference.python.PythonSettings;
import dev.tidemill.inference.registry.RegisteredModels;
import dev.tidemill.inference.runtime.BoostedTreesRuntime;
import dev.tidemill.inference.runtime.TidemillTreeRuntime;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.Models;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

/** Wires the data plane of inference; needs no database. */
public final class InferenceModule implements Module {
    /**
     * What the operator decides.
     *
     * @param memory bytes above which models that nobody uses are closed
     * @param idle after how long without a call a model is closed that no deployment serves; zero for never
     * @param onnxThreads threads that one call of ONNX Runtime may use
     * @param python how Python models are run
     */
    public record Options(long memory, Duration idle, int onnxThreads, PythonSettings python) {}

    private final PredictionJournal journal;
    private final ModelCache cache;
    private final ModelCatalog catalog;
    private final PayloadLog payloads;
    private final ModelInspector inspector;
    private final Gateway gateway;
    private final BlobStore blobs;
    private final Clock clock;
    private final Options options;
    private final InferenceMetrics metrics;
    private final IdleModels idle;
    private final PythonRuntime python;
    private final PredictionSink sink;

    /**
     * @param sink where journalled predictions go
     * @param log where predictions wait for the sink that must not be lost; closed with this
     * @param payloads what of whole requests and answers is logged; closed with this
     * @param features where inputs are found that requests leave out
     */
    public InferenceModule(
            BlobStore blobs,
            ModelInspector inspector,
            ModelCatalog catalog,
            PredictionSink sink,
            PredictionLog log,
            PayloadLog payloads,
            FeatureLookup features,
            Clock clock,
            Options options) {
        this.payloads = payloads;
        this.sink = sink;
        this.blobs = blobs;
        this.catalog = catalog;
        this.inspector = inspector;
        this.clock = clock;
        this.options = options;
        this.journal = new PredictionJournal(sink, log);
        this.python = new PythonRuntime(options.python(), inspector, clock);
        this.cache = new ModelCache(
                blobs,
                inspector,
                List.of(
                        new TidemillTreeRuntime(),
                        new GraphRuntime(catalog, this::loader, this::isGraph),
                        new BoostedTreesRuntime(),
                        new OnnxModels(options.python().folder().resolveSibling("onnx"), options.onnxThreads()),
                        python),
                new InputExample(),
                options.memory());
        this.gateway = new Gateway(cache, catalog, journal, payloads, features, clock);
        this.metrics = new InferenceMetrics(gateway);
        this.idle = new IdleModels(cache, options.idle());
    }

    /**
     * Files in a folder as the log of predictions.
     *
     * @param mostBytes that they take
     * @param deletions keeps files whose predictions are with the sink already
     */
    public static PredictionLog files(Path folder, long mostBytes, DeletionHold deletions) {
        return new SegmentedLog(folder, mostBytes, deletions);
    }

    private boolean isGraph(ServedVersion version) {
        return inspector
                .describe(Folder.load(blobs, version.folder()))
                .flavors()
                .containsKey(GraphFiles.FLAVOR);
    }

    /** The registry of this process as what may be called. */
    public static ModelCatalog registered(Models models, Aliases aliases) {
        return new RegisteredModels(models, aliases);
    }

    public Gateway gateway() {
        return gateway;
    }

    /** Figures of every version that was called, and of what is journalled. */
    @Override
    public void publish(Telemetry telemetry) {
        telemetry.gauge(
                "tidemill.predictions.journal.bytes",
                "Bytes of predictions that wait in files for the database",
                gateway::journalBytes);
        telemetry.gauge(
                "tidemill.predictions.journal.unreadable",
                "Files of waiting predictions that could not be read as a whole and are kept as *.unreadable",
                gateway::unreadableJournals);
        telemetry.gauge(
                "tidemill.predictions.dropped",
                "Predictions that were answered but not journalled",
                gateway::droppedPredictions);
        telemetry.publish(() -> metrics.text() + PythonRoutes.metrics(python));
    }

    @Override
    public List<Loop> loops() {
        return List.of(idle.loop(), python.loop());
    }

    @Override
    public void reset() {
        gateway.forgetAll();
    }

    /** What runs Python models, and how apart. */
    public ModelEnvironments environments() {
        return python;
    }

    public ModelLoader loader() {
        return cache;
    }

    @Override
    public List<Route> routes() {
        return new PythonRoutes(python).routes();
    }

    ModelCatalog catalog() {
        return catalog;
    }

    ModelInspector inspector() {
        return inspector;
    }

    PredictionSink sink() {
        return sink;
    }

    @Override
    public void close() {
        idle.close();
        gateway.close();
        journal.close();
        payloads.close();
        cache.close();
        python.close();
    }
}
