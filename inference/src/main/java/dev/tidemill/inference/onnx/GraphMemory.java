package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Operation;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a graph may take of memory that {@link OnnxMemory} does not bound, judged before it is loaded: sparse tensors, which are made
 * dense at load, and texts ({@link GraphTexts}). Field numbers are those of ONNX's published {@code onnx.proto}.
 */
final class GraphMemory {
    /** Most values of a sparse tensor once it is dense. */
    static final long MOST_DENSE = 16L << 20;

    private static final int DEEPEST = 32;

    private GraphMemory() {}

    /**
     * Refuses what could take memory without a bound.
     *
     * @param graph what is read of the same content
     * @return what its texts may take outside of what {@link OnnxMemory} bounds
     * @throws TidemillException {@code INVALID_ARGUMENT} with what it is
     */
    static TextPlan check(byte[] content, OnnxGraph graph) {
        try {
            fields(CodedInputStream.newInstance(content), 0, Kind.MODEL);
            return GraphTexts.check(graph, GraphInnerTexts.of(content), GraphInnerTexts.mentioned(content));
        } catch (IOException e) {
            throw TidemillException.invalid("model", "it is no ONNX model: " + e.getMessage())
                    .causedBy(e);
        }
    }

    /**
     * How many nodes have nothing but constants to compute with; empty if there are parts of the graph that are not read.
     */
    static Optional<Integer> constantNodes(OnnxGraph graph) {
        if (graph.functions()) {
            return Optional.empty();
        }
        Set<String> constant = new HashSet<>();
        graph.held().forEach(held -> constant.add(held.name()));
        int count = 0;
        for (Operation operation : graph.operations()) {
            if (operation.attributes().values().stream().anyMatch(OnnxGraph.Attribute::graph)) {
                return Optional.empty();
            }
            List<String> inputs = operation.inputs();
            if (inputs.stream().allMatch(input -> input.isEmpty() || constant.contains(input))) {
                count++;
                constant.addAll(operation.outputs());
            }
        }
        return Optional.of(count);
    }

    /** What a message is, for the fields of it that may hold a sparse tensor. */
    private enum Kind {
        MODEL,
        FUNCTION,
        GRAPH,
        NODE,
        ATTRIBUTE,
        SPARSE;

        /** The kind of a field's message; empty for one that holds none. */
        Optional<Kind> field(int number) {
            return Optional.ofNullable(
                    switch (this) {
                        case MODEL -> number == 7 ? GRAPH : number == 25 ? FUNCTION : null;
                        case FUNCTION -> number == 7 ? NODE : number == 11 ? ATTRIBUTE : null;
                        case GRAPH -> number == 1 ? NODE : number == 15 ? SPARSE : null;
                        case NODE -> number == 5 ? ATTRIBUTE : null;
                        case ATTRIBUTE ->
                            number == 6 || number == 11 ? GRAPH : number == 22 || number == 23 ? SPARSE : null;
                        case SPARSE -> null;
                    });
        }
    }

    private static void fields(CodedInputStream in, int depth, Kind kind) throws IOException {
        if (depth > DEEPEST) {
            throw TidemillException.invalid("model", "its graphs are nested more than " + DEEPEST + " deep");
        }
        long dense = 1;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int number = WireFormat.getTagFieldNumber(tag);
            boolean message = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
            Optional<Kind> inner = message ? kind.field(number) : Optional.empty();
            if (inner.isPresent()) {
                int limit = in.pushLimit(in.readRawVarint32());
                fields(in, depth + 1, inner.get());
                in.popLimit(limit);
            } else if (kind == Kind.SPARSE && number == 3) {
                dense = dense(in, message, dense);
            } else {
                in.skipField(tag);
            }
        }
        if (kind == Kind.SPARSE && dense > MOST_DENSE) {
            throw TidemillException.invalid(
                    "model",
                    "a sparse tensor of it has " + (dense == Long.MAX_VALUE ? "more than " + MOST_DENSE : dense)
                            + " values once it is dense, as it is loaded; at most " + MOST_DENSE + " are taken");
        }
    }

    /** The number of values with one more dimension, or with all of a packed list of them. */
    private static long dense(CodedInputStream in, boolean packed, long before) throws IOException {
        long dense = before;
        if (!packed) {
            return times(dense, in.readInt64());
        }
        ByteString bytes = in.readBytes();
        CodedInputStream sizes = bytes.newCodedInput();
        while (!sizes.isAtEnd()) {
            dense = times(dense, sizes.readInt64());
        }
        return dense;
    }

    private static long times(long count, long size) {
        return size < 0 || Math.multiplyHigh(count, size) != 0 || count * size < 0 ? Long.MAX_VALUE : count * size;
    }
}
