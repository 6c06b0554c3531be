package dev.tidemill.inference.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.SequenceInfo;
import ai.onnxruntime.TensorInfo;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.inference.runtime.FeatureTable;
import dev.tidemill.inference.runtime.SignatureTypes;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Signature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model in ONNX Runtime. Requests run beside each other, each on its own thread; tensors of sizes that come again are kept
 * outside the heap and used again ({@link OnnxSlots}).
 */
final class OnnxModel implements LoadedModel {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxModel.class);

    /** What the graph asks for, which may be told to clients as columns. */
    record Port(String name, Datatype datatype, long[] shape) {
        /** Its shape for so many rows; open sizes after the first are those of the tensor given. */
        long[] sized(int rows, long[] given) {
            long[] sized = shape.clone();
            for (int i = 0; i < sized.length; i++) {
                if (i == 0) {
                    sized[0] = rows;
                } else if (sized[i] < 0) {
                    sized[i] = i < given.length ? given[i] : 1;
                }
            }
            return sized;
        }

        boolean isFixedButRows() {
            return datatype != Datatype.BYTES
                    && shape.length > 0
                    && Arrays.stream(shape).skip(1).allMatch(size -> size >= 0);
        }
    }

    private final OrtSession session;
    private final OrtEnvironment environment;
    private final List<Port> ports;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final boolean columns;
    private final long batch;
    private final long bytes;
    private final UnpackedModel unpacked;
    private final Optional<OnnxSlots> slots;

    /** One for the process; made when the first model needs it. What a caller did wrong is answered, not logged. */
    private static final class Environment {
        private static final OrtEnvironment SHARED =
                OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "tidemill");
    }

    /** @param unpacked the model's files, which are deleted when it is closed, or if it cannot be opened */
    static OnnxModel open(ModelFolder files, UnpackedModel unpacked, String file, int threads) {
        TidemillException refusal;
        try {
            return opened(files, unpacked, file, threads);
        } catch (OrtException e) {
            refusal =
                    files.unusable("ONNX Runtime refuses it: " + e.getMessage()).causedBy(e);
        } catch (TidemillException e) {
            refusal = files.unusable(e.message()).causedBy(e);
        } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
            refusal = files.unusable("ONNX Runtime does not run on this machine: " + e)
                    .causedBy(e);
        }
        unpacked.close();
        throw refusal;
    }

    private static OnnxModel opened(ModelFolder files, UnpackedModel unpacked, String file, int threads)
            throws OrtException {
        try (var settings = new OrtSession.SessionOptions()) {
            settings.setIntraOpNumThreads(threads);
            settings.setInterOpNumThreads(1);
            settings.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            // Waiting threads give the processor to other requests.
            settings.addConfigEntry("session.intra_op.allow_spinning", "0");
            OrtEnvironment environment = Environment.SHARED;
            OrtSession session =
                    environment.createSession(unpacked.folder().resolve(file).toString(), settings);
            long size = files.folder().size();
            try {
                return new OnnxModel(environment, session, files.description().signature(), 2 * size, unpacked);
            } catch (TidemillException e) {
                session.close();
                throw e;
            }
        }
    }

    private OnnxModel(
            OrtEnvironment environment,
            OrtSession session,
            Optional<Signature> signature,
            long bytes,
            UnpackedModel unpacked)
            throws OrtException {
        this.unpacked = unpacked;
        this.environment = environment;
        this.session = session;
        this.bytes = bytes;
        this.ports = ports(session.getInputInfo(), "input");
        Optional<List<TensorSpec>> named = named(signature);
        this.columns = named.isPresent();
        this.inputs = named.orElseGet(() -> ports.stream().map(OnnxModel::spec).toList());
        this.batch = ports.isEmpty() || ports.getFirst().shape().length == 0
                ? -1
                : ports.getFirst().shape()[0];
        List<TensorSpec> told = new ArrayList<>();
        boolean tensors = true;
        for (NodeInfo output : session.getOutputInfo().values()) {
            tensors &= output.getInfo() instanceof TensorInfo;
            told.add(spec(output));
        }
        this.outputs = List.copyOf(told);
        boolean fixed = tensors && ports.stream().allMatch(Port::isFixedButRows);
        List<Port> results = fixed ? ports(session.getOutputInfo(), "output") : List.of();
        this.slots = fixed && results.stream().allMatch(port -> port.isFixedButRows() && port.shape()[0] < 0)
                ? Optional.of(new OnnxSlots(environment, session, ports, results))
                : Optional.empty();
    }

    private static List<Port> ports(Map<String, NodeInfo> nodes, String side) {
        List<Port> ports = new ArrayList<>();
        for (NodeInfo node : nodes.values()) {
            Optional<Datatype> datatype =
                    node.getInfo() instanceof TensorInfo tensor ? OnnxTensors.datatype(tensor.type) : Optional.empty();
            if (datatype.isEmpty()) {
                throw TidemillException.invalid(
                        side,
                        "its " + side + " '" + node.getName() + "' is of a kind that cannot be passed: "
                                + node.getInfo());
            }
            ports.add(new Port(node.getName(), datatype.get(), ((TensorInfo) node.getInfo()).getShape()));
        }
        return ports;
    }

    private static TensorSpec spec(Port port) {
        List<Long> shape = new ArrayList<>();
        for (int i = 0; i < port.shape().length; i++) {
            shape.add(i == 0 ? -1L : port.shape()[i]);
        }
        boolean column = shape.size() == 2 && shape.get(1) == 1 || shape.isEmpty();
        return new TensorSpec(port.name(), port.datatype(), column ? List.of(-1L) : shape, false);
    }

    private static TensorSpec spec(NodeInfo output) {
        if (output.getInfo() instanceof TensorInfo tensor) {
            Datatype datatype = OnnxTensors.datatype(tensor.type)
                    .orElseThrow(() -> TidemillException.invalid(
                            "output", "its output '" + output.getName() + "' is of type " + tensor.type));
            List<Long> shape =
                    new ArrayList<>(Arrays.stream(tensor.getShape()).boxed().toList());
            if (!shape.isEmpty()) {
                shape.set(0, -1L);
            }
            return new TensorSpec(output.getName(), datatype, shape.isEmpty() ? List.of(-1L) : shape, false);
        }
        if (output.getInfo() instanceof SequenceInfo sequence && sequence.isSequenceOfMaps()) {
            return new TensorSpec(output.getName(), Datatype.FP32, List.of(-1L, -1L), false);
        }
        throw TidemillException.invalid("output", "its output '" + output.getName() + "' is " + output.getInfo());
    }

    /** The signature's columns where they are what the one matrix of the graph is made of. */
    private Optional<List<TensorSpec>> named(Optional<Signature> signature) {
        if (ports.size() != 1 || ports.getFirst().shape().length != 2) {
            return Optional.empty();
        }
        Port matrix = ports.getFirst();
        long width = matrix.shape()[1];
        return FeatureTable.columns(signature)
                .filter(fields -> width < 0 ? fields.size() > 1 : width == fields.size())
                .map(fields -> fields.stream()
                        .map(field -> TensorSpec.column(
                                field.name(),
                                SignatureTypes.column(field.type()).orElse(matrix.datatype()),
                                false))
                        .toList());
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
    public List<Tensor> predict(List<Tensor> given) {
        List<Tensor> tensors = columns ? List.of(joined(given)) : given;
        int rows = tensors.getFirst().rows();
        if (batch <= 0 || rows == batch) {
            return run(tensors, rows);
        }
        if (rows % batch != 0) {
            throw TidemillException.invalid(
                    "shape", rows + " rows do not fit the model, which takes " + batch + " at a time, or a multiple");
        }
        List<List<Tensor>> parts = new ArrayList<>();
        for (int from = 0; from < rows; from += (int) batch) {
            int start = from;
            parts.add(run(
                    tensors.stream()
                            .map(tensor -> tensor.rows(start, start + (int) batch))
                            .toList(),
                    (int) batch));
        }
        List<Tensor> answer = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            int output = i;
            answer.add(Tensor.concatenated(
                    parts.stream().map(part -> part.get(output)).toList()));
        }
        return answer;
    }

    private Tensor joined(List<Tensor> given) {
        Port matrix = ports.getFirst();
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
        double[] values = new double[rows * width];
        for (int i = 0; i < width; i++) {
            for (int row = 0; row < rows; row++) {
                values[row * width + i] = given.get(i).number(row);
            }
        }
        return Tensor.numbers(matrix.name(), Datatype.FP64, shape, values);
    }

    private List<Tensor> run(List<Tensor> tensors, int rows) {
        boolean refused = false;
        if (slots.isPresent()) {
            try {
                Optional<List<Tensor>> answer = slots.get().run(tensors, rows);
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
                    Port port = ports.get(i);
                    Tensor tensor = tensors.get(i);
                    fed.put(
                            port.name(),
                            OnnxTensors.of(environment, tensor, port.datatype(), port.sized(rows, tensor.shape())));
                }
                try (OrtSession.Result result = session.run(fed)) {
                    List<Tensor> answer = new ArrayList<>();
                    for (int i = 0; i < outputs.size(); i++) {
                        answer.add(OnnxTensors.read(outputs.get(i).name(), result.get(i)));
                    }
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

    /** Not of a graph of fixed batches, nor of one whose sizes beside rows differ from request to request. */
    @Override
    public OptionalInt batchLanes() {
        return batch < 0 && ports.stream().allMatch(Port::isFixedButRows)
                ? OptionalInt.of(Runtime.getRuntime().availableProcessors())
                : OptionalInt.empty();
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        slots.ifPresent(OnnxSlots::close);
        try {
            session.close();
        } catch (OrtException e) {
            LOG.warn("A model could not be closed", e);
        }
        unpacked.close();
    }
}
