package dev.tidemill.inference.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.SequenceInfo;
import ai.onnxruntime.TensorInfo;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a graph of ONNX Runtime asks for or gives, which may be told to clients as columns.
 *
 * @param fed its name in the session
 * @param carried the datatype under which its values are passed
 */
record OnnxPort(String name, String fed, Datatype datatype, Datatype carried, long[] shape, List<String> symbols) {
    /** Its shape for so many rows, where it is fixed but for them. */
    long[] sized(int rows) {
        long[] sized = shape.clone();
        sized[0] = rows;
        return sized;
    }

    /** The shape under which a fitted tensor is passed: a column may stand for a matrix of one. */
    long[] passed(Tensor tensor) {
        long[] given = tensor.shape();
        return given.length == 1 && shape.length == 2 ? new long[] {given[0], 1} : given;
    }

    boolean isFixedButRows() {
        return datatype != Datatype.BYTES
                && shape.length > 0
                && Arrays.stream(shape).skip(1).allMatch(size -> size >= 0);
    }

    /** Whether ONNX Runtime's Java interface makes a tensor of its type. */
    boolean isPassable() {
        return datatype != Datatype.UINT16 && datatype != Datatype.UINT32 && datatype != Datatype.UINT64;
    }

    /** Whether its first dimension may be of any size. */
    boolean isOpen() {
        return shape.length > 0 && shape[0] < 0;
    }

    /**
     * Of a session's side, in its order.
     *
     * @param side for messages: input or output
     * @param unsigned types that are carried under another
     * @throws TidemillException {@code INVALID_ARGUMENT} for what cannot be passed
     */
    static List<OnnxPort> of(Map<String, NodeInfo> nodes, String side, Map<String, Datatype> unsigned) {
        List<OnnxPort> ports = new ArrayList<>();
        for (NodeInfo node : nodes.values()) {
            if (node.getName().equals(GraphBounds.BUDGET)) {
                continue;
            }
            Optional<Datatype> datatype =
                    node.getInfo() instanceof TensorInfo tensor ? OnnxTensors.datatype(tensor) : Optional.empty();
            if (datatype.isEmpty()) {
                throw TidemillException.invalid(
                        side,
                        "its " + side + " '" + node.getName() + "' is of a kind that cannot be passed: "
                                + node.getInfo());
            }
            TensorInfo tensor = (TensorInfo) node.getInfo();
            String name = unsigned.isEmpty() ? node.getName() : UnsignedInputs.told(node.getName());
            ports.add(new OnnxPort(
                    name,
                    node.getName(),
                    unsigned.getOrDefault(name, datatype.get()),
                    datatype.get(),
                    tensor.getShape(),
                    List.of(tensor.getDimensionNames())));
        }
        return ports;
    }

    /**
     * What clients are told of it.
     *
     * @param portions whether any multiple of the declared number of rows is taken
     */
    TensorSpec spec(boolean portions) {
        List<Long> told = new ArrayList<>(Arrays.stream(shape).boxed().toList());
        if (portions) {
            told.set(0, -1L);
        }
        return told.equals(List.of(-1L, 1L))
                ? TensorSpec.column(name, datatype, false)
                : new TensorSpec(name, datatype, told, false, symbols);
    }

    /** What clients are told of an output, which may be a list of maps too. */
    static TensorSpec spec(NodeInfo output, boolean portions) {
        if (output.getInfo() instanceof TensorInfo tensor) {
            Datatype datatype = OnnxTensors.datatype(tensor)
                    .orElseThrow(() -> TidemillException.invalid(
                            "output", "its output '" + output.getName() + "' is of type " + tensor.onnxType));
            List<Long> shape =
                    new ArrayList<>(Arrays.stream(tensor.getShape()).boxed().toList());
            if (portions && !shape.isEmpty()) {
                shape.set(0, -1L);
            }
            return new TensorSpec(output.getName(), datatype, shape, false);
        }
        if (output.getInfo() instanceof SequenceInfo sequence && sequence.isSequenceOfMaps()) {
            return new TensorSpec(output.getName(), Datatype.FP32, List.of(-1L, -1L), false);
        }
        throw TidemillException.invalid("output", "its output '" + output.getName() + "' is " + output.getInfo());
    }
}
