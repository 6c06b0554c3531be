package dev.tidemill.inference.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Batching;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.inference.runtime.FeatureTable;
import dev.tidemill.inference.runtime.SignatureTypes;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.UnsupportedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model in ONNX Runtime. Requests run beside each other, each on its own thread; tensors of sizes that come again are kept
 * outside the heap and used again ({@link OnnxSlots}).
 */
final class OnnxModel implements LoadedModel {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxModel.class);

    private final OrtSession session;
    private final OnnxRuns runs;
    private final OrtEnvironment environment;
    private final List<OnnxPort> ports;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final List<String> classes;
    private final boolean columns;
    /** Rows that a graph of a fixed number of them takes at a time; 0 for any other. */
    private final int portion;
    /** Fewest rows of a call, so that its bits are those of a joined one. */
    private final int least;

    /** What its texts may take. */
    private final TextPlan texts;

    private final Batching batching;
    private final long bytes;
    private final UnpackedModel unpacked;
    private final Optional<OnnxSlots> slots;

    /** One for the process; made when the first model needs it. What a caller did wrong is answered, not logged. */
    private static final class Environment {
        private static final OrtEnvironment SHARED = made();

        private static OrtEnvironment made() {
            QuietOnnx.withoutTelemetry();
            OrtEnvironment environment =
                    OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "tidemill");
            OnnxMemory.limit(OnnxMemory.limit());
            return environment;
        }
    }

    /** @param unpacked the model's files, which are deleted when it is closed, or if it cannot be opened */
    static OnnxModel open(ModelFolder files, UnpackedModel unpacked, String file, byte[] content, int threads) {
        TidemillException refusal;
        try {
            return opened(files, unpacked, file, content, threads);
        } catch (IOException e) {
            unpacked.close();
            throw new UncheckedIOException(e);
        } catch (OrtException e) {
            refusal =
                    files.unusable("ONNX Runtime refuses it: " + e.getMessage()).causedBy(e);
        } catch (TidemillException e) {
            refusal = files.unusable(e.message()).causedBy(e);
        } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
            refusal = files.unusable("ONNX Runtime does not run on this machine: " + e)
                    .causedBy(e);
        } catch (RuntimeException | Error e) {
            unpacked.close();
            throw e;
        }
        unpacked.close();
        throw refusal;
    }

    private static OnnxModel opened(ModelFolder files, UnpackedModel unpacked, String file, byte[] content, int threads)
            throws OrtException, IOException {
        OnnxGraph graph = graph(content);
        TextPlan texts = GraphMemory.check(content, graph);
        texts.requireRoom();
        GraphDepth.check(content);
        GraphGuards.Guarded guarded = GraphGuards.of(content, texts);
        Map<String, Datatype> unsigned = UnsignedInputs.of(graph);
        if (!unsigned.isEmpty() || guarded.model() != content) {
            Files.write(
                    unpacked.folder().resolve(file),
                    unsigned.isEmpty() ? guarded.model() : UnsignedInputs.replaced(guarded.model(), unsigned));
        }
        RowAnalysis.Verdict rows = RowAnalysis.of(graph);
        try (var settings = new OrtSession.SessionOptions()) {
            settings.setIntraOpNumThreads(threads);
            settings.setInterOpNumThreads(1);
            settings.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            long size = files.folder().size();
            OnnxMemory.limited(settings, size, GraphMemory.constantNodes(graph), texts.timesOfTensor());
            OnnxMemory.unfused(settings, guarded.unfused());
            // Waiting threads give the processor to other requests.
            settings.addConfigEntry("session.intra_op.allow_spinning", "0");
            OrtEnvironment environment = Environment.SHARED;
            OrtSession session =
                    environment.createSession(unpacked.folder().resolve(file).toString(), settings);
            try {
                return new OnnxModel(
                        environment,
                        session,
                        files.description().signature(),
                        2 * size,
                        unpacked,
                        unsigned,
                        rows,
                        GraphClasses.of(graph),
                        texts,
                        guarded);
            } catch (RuntimeException | Error | OrtException e) {
                session.close();
                throw e;
            }
        }
    }

    /** What cannot be read cannot be judged, so it is not run. */
    private static OnnxGraph graph(byte[] content) {
        try {
            return OnnxGraph.parse(content);
        } catch (UnsupportedModelException e) {
            throw TidemillException.invalid("model", String.valueOf(e.getMessage()))
                    .causedBy(e);
        }
    }

    private OnnxModel(
            OrtEnvironment environment,
            OrtSession session,
            Optional<Signature> signature,
            long bytes,
            UnpackedModel unpacked,
            Map<String, Datatype> unsigned,
            RowAnalysis.Verdict rows,
            List<String> classes,
            TextPlan texts,
            GraphGuards.Guarded guarded)
            throws OrtException {
        this.texts = texts;
        this.classes = classes;
        this.unpacked = unpacked;
        this.environment = environment;
        this.session = session;
        this.runs = new OnnxRuns(session, guarded);
        this.bytes = bytes;
        this.ports = OnnxPort.of(session.getInputInfo(), "input", unsigned);
        Optional<List<TensorSpec>> named = named(signature);
        this.columns = named.isPresent();
        boolean open = !ports.isEmpty() && ports.getFirst().isOpen();
        this.portion = rows.rowWise() && !open ? (int) ports.getFirst().shape()[0] : 0;
        this.inputs = named.orElseGet(
                () -> ports.stream().map(port -> port.spec(portion > 0)).toList());
        List<TensorSpec> told = new ArrayList<>();
        boolean tensors = true;
        for (NodeInfo output : session.getOutputInfo().values()) {
            tensors &= output.getInfo() instanceof TensorInfo;
            told.add(OnnxPort.spec(output, portion > 0));
        }
        this.outputs = List.copyOf(told);
        boolean fixed = tensors && ports.stream().allMatch(port -> port.isFixedButRows() && port.isOpen());
        List<OnnxPort> results = fixed ? OnnxPort.of(session.getOutputInfo(), "output", Map.of()) : List.of();
        this.slots = rows.rowWise()
                        && fixed
                        && results.stream()
                                .allMatch(port -> port.isFixedButRows() && port.isOpen() && port.isPassable())
                ? Optional.of(new OnnxSlots(environment, runs, ports, results))
                : Optional.empty();
        RowTrial.Verdict trial;
        try {
            trial = joinable(rows);
        } catch (RuntimeException | Error e) {
            release();
            throw e;
        }
        this.least = Math.max(1, trial.least());
        this.batching = trial.least() > 0
                ? Batching.joined(
                        Runtime.getRuntime().availableProcessors(),
                        trial.most(),
                        "every operator of its graph answers each row by itself")
                : Batching.apart(trial.reason());
    }

    private RowTrial.Verdict joinable(RowAnalysis.Verdict rows) {
        if (!rows.rowWise()) {
            return new RowTrial.Verdict(0, 0, "its graph is not known to answer row by row: " + rows.reason());
        }
        if (portion > 0) {
            return new RowTrial.Verdict(0, 0, "it takes " + portion + " rows at a time");
        }
        if (!ports.stream().allMatch(OnnxPort::isFixedButRows)) {
            return new RowTrial.Verdict(
                    0, 0, "it takes texts, or sizes beside rows that differ from request to request");
        }
        List<TensorSpec> plain = ports.stream()
                .map(port -> new TensorSpec(
                        port.name(),
                        port.datatype(),
                        Arrays.stream(port.shape()).boxed().toList(),
                        false))
                .toList();
        try {
            return RowTrial.of(given -> run(given, Cancellation.after(Cancellation.LONGEST_TRIAL)), plain);
        } catch (TidemillException e) {
            throw new TidemillException(
                            e.code(),
                            "it did not answer its trial within " + Cancellation.LONGEST_TRIAL.toSeconds() + " s: "
                                    + e.message())
                    .causedBy(e);
        }
    }

    /** The signature's columns where they are what the one matrix of the graph is made of. */
    private Optional<List<TensorSpec>> named(Optional<Signature> signature) {
        if (ports.size() != 1 || ports.getFirst().shape().length != 2) {
            return Optional.empty();
        }
        OnnxPort matrix = ports.getFirst();
        long width = matrix.shape()[1];
        boolean texts = matrix.datatype() == Datatype.BYTES;
        return FeatureTable.columns(signature)
                .filter(fields -> width < 0 ? fields.size() > 1 : width == fields.size())
                .map(fields -> fields.stream()
                        .map(field -> TensorSpec.column(
                                field.name(),
                                SignatureTypes.column(field.type()).orElse(matrix.datatype()),
                                false))
                        .map(spec -> matrix.datatype().storage() == Datatype.Storage.NUMBER ? spec.withMissing() : spec)
                        .toList())
                .filter(specs -> specs.stream().allMatch(spec -> texts == (spec.datatype() == Datatype.BYTES)));
    }

    @Override
    public String platform() {
        return "onnxruntime_onnx";
    }

    @Override
    public List<TensorSpec> inputs() {
        return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public List<String> classes() {
        return classes;
    }

    @Override
    public boolean answersScores() {
        return false;
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        return predict(given, CallContext.NONE);
    }

    @Override
    public List<Tensor> predict(List<Tensor> given, CallContext context) {
        Cancellation cancellation = context.cancellation();
        List<Tensor> tensors = columns ? List.of(joined(given)) : given;
        int rows = tensors.isEmpty() ? 0 : tensors.getFirst().rows();
        boolean even = tensors.stream().allMatch(tensor -> tensor.hasRows(rows));
        if (portion > 0 && rows != portion) {
            return portions(tensors, rows, even, cancellation);
        }
        if (rows > 0 && rows < least && even) {
            // Rows of its own again, whose answers are left out.
            List<Tensor> more = tensors.stream()
                    .map(tensor -> TensorRows.concatenated(Collections.nCopies(least, tensor)))
                    .toList();
            return run(more, cancellation).stream()
                    .map(output -> TensorRows.of(output, 0, rows))
                    .toList();
        }
        return run(tensors, cancellation);
    }

    private List<Tensor> portions(List<Tensor> tensors, int rows, boolean even, Cancellation cancellation) {
        if (rows % portion != 0 || rows == 0 || !even) {
            throw TidemillException.invalid(
                    "shape", rows + " rows do not fit the model, which takes " + portion + " at a time, or a multiple");
        }
        List<List<Tensor>> parts = new ArrayList<>();
        for (int from = 0; from < rows; from += portion) {
            int start = from;
            parts.add(run(
                    tensors.stream()
                            .map(tensor -> TensorRows.of(tensor, start, start + portion))
                            .toList(),
                    cancellation));
        }
        List<Tensor> answer = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            int output = i;
            answer.add(TensorRows.concatenated(
                    parts.stream().map(part -> part.get(output)).toList()));
        }
        return answer;
    }

    private Tensor joined(List<Tensor> given) {
        OnnxPort matrix = ports.getFirst();
        int rows = given.getFirst().rows();
        int width = given.size();
        long[] shape = {rows, width};
        if (matrix.datatype() == Datatype.BYTES) {
            byte[][] texts = new byte[rows * width][];
            for (int i = 0; i < width; i++) {
                for (int row = 0; row < rows; row++) {
                    texts[row * width + i] = given.get(i).bytes(row);
                }
            }
            return Tensor.texts(matrix.name(), shape, texts);
        }
        return InputBinding.matrix(matrix.name(), matrix.datatype(), given, rows);
    }

    private List<Tensor> run(List<Tensor> tensors, Cancellation cancellation) {
        long outside = texts.outside(tensors);
        boolean refused = false;
        int rows = tensors.isEmpty() ? 0 : tensors.getFirst().rows();
        if (slots.isPresent() && tensors.stream().allMatch(tensor -> tensor.rows() == rows)) {
            try {
                Optional<List<Tensor>> answer = slots.get().run(tensors, rows, cancellation);
                if (answer.isPresent()) {
                    return answer.get();
                }
            } catch (OrtException e) {
                // The plain way tells whether it is the values, or the shapes of what comes out.
                refused = true;
            }
        }
        try {
            Map<String, OnnxTensor> fed = new HashMap<>();
            try {
                for (int i = 0; i < ports.size(); i++) {
                    OnnxPort port = ports.get(i);
                    Tensor tensor = tensors.get(i);
                    fed.put(port.fed(), OnnxTensors.of(environment, tensor, port.carried(), port.passed(tensor)));
                }
                try (OnnxRuns.Answer given = runs.run(fed, Map.of(), session.getOutputNames(), outside, cancellation)) {
                    OrtSession.Result result = given.result();
                    long passing = OnnxTensors.admit(result);
                    List<Tensor> answer = new ArrayList<>();
                    for (int i = 0; i < outputs.size(); i++) {
                        answer.add(OnnxTensors.read(outputs.get(i).name(), result.get(i)));
                    }
                    AnswerMemory.give(passing);
                    if (refused) {
                        slots.orElseThrow().giveUp();
                    }
                    return answer;
                }
            } finally {
                fed.values().forEach(OnnxTensor::close);
            }
        } catch (OrtException e) {
            throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The model refuses the request: " + e.getMessage())
                    .causedBy(e);
        }
    }

    @Override
    public Batching batching() {
        return batching;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    private void release() {
        slots.ifPresent(OnnxSlots::close);
        runs.close();
    }

    @Override
    public void close() {
        release();
        try {
            session.close();
        } catch (OrtException e) {
            LOG.warn("A model could not be closed", e);
        }
        unpacked.close();
    }
}
