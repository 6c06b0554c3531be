package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.onnx.GraphBounds.Marks;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Nodes that refuse a run in which an operator is given nothing to compute with, where ONNX Runtime would divide by its size or read
 * its first value: 1 is divided by how many values there are, which is an error if there are none.
 */
final class EmptyInputs {
    /** What names of nodes begin with that refuse to compute with nothing. */
    static final String NOTHING = GraphGuards.PREFIX + "nothing/";

    private static final Pattern EMPTY = Pattern.compile(Pattern.quote(NOTHING) + "(\\w+)/");
    private static final String FOURIER = "DFT";

    private static final String FRAMED = "STFT";

    private static final String VECTORIZER = "FeatureVectorizer";

    /** Operators that end the process, or never end, where these of their inputs have no value. */
    private static final Map<String, List<Integer>> FILLED = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1, 2)),
            Map.entry("Conv", List.of(1)),
            Map.entry("ConvTranspose", List.of(0, 1)),
            Map.entry("DequantizeLinear", List.of(1, 2)),
            Map.entry(FOURIER, List.of(0)),
            Map.entry("GRU", List.of(0)),
            Map.entry("LSTM", List.of(0)),
            Map.entry("LpNormalization", List.of(0)),
            Map.entry("QLinearConv", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearMatMul", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QuantizeLinear", List.of(1, 2)),
            Map.entry("RNN", List.of(0)),
            Map.entry("RotaryEmbedding", List.of(0, 1, 2)),
            Map.entry(FRAMED, List.of(2)));

    /** Those of Microsoft, which divide by the width of what they are given, or read its first value. */
    private static final Map<String, List<Integer>> FILLED_OF_MICROSOFT = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1, 2)),
            Map.entry("BiasGelu", List.of(1)),
            Map.entry("DequantizeLinear", List.of(1, 2)),
            Map.entry("DynamicQuantizeLSTM", List.of(0, 8, 9, 10, 11)),
            Map.entry("FastGelu", List.of(1)),
            Map.entry("FusedConv", List.of(1)),
            Map.entry("MultiHeadAttention", List.of(0, 1, 2)),
            Map.entry("QAttention", List.of(0, 1, 3, 4, 6, 7)),
            Map.entry("QEmbedLayerNormalization", List.of(8, 9, 10, 11, 12, 13, 14, 15, 16, 17)),
            Map.entry("QGemm", List.of(1, 2, 4, 5, 7, 8)),
            Map.entry("QLinearAdd", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearAveragePool", List.of(0, 1, 2, 3, 4)),
            Map.entry("QLinearConv", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearGlobalAveragePool", List.of(0, 1, 2, 3, 4)),
            Map.entry("QLinearLeakyRelu", List.of(1, 2, 3, 4)),
            Map.entry("QLinearMul", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearSigmoid", List.of(1, 2, 3, 4)),
            Map.entry("QLinearSoftmax", List.of(1, 2, 3, 4)),
            Map.entry("QLinearWhere", List.of(2, 3, 5, 6, 7, 8)),
            Map.entry("QuantizeLinear", List.of(1, 2)),
            Map.entry("RotaryEmbedding", List.of(0, 2, 3)),
            Map.entry("SkipLayerNormalization", List.of(0, 1)),
            Map.entry("SkipSimplifiedLayerNormalization", List.of(0, 1)));

    private static final String JOINED = "QLinearConcat";

    private final Marks marks;

    EmptyInputs(Marks marks) {
        this.marks = marks;
    }

    /** The operator that a run was refused for, from the message of its failure; empty for a run that failed otherwise. */
    static Optional<String> refused(String message) {
        Matcher empty = EMPTY.matcher(message);
        return empty.find() ? Optional.of(empty.group(1)) : Optional.empty();
    }

    /** Whether an operator that is not Microsoft's ends the process with nothing to compute with. */
    static boolean concerns(Node node) {
        return node.type().equals(VECTORIZER) || node.domain().isEmpty() && FILLED.containsKey(node.type());
    }

    /**
     * The node, after what refuses to give it nothing.
     *
     * @param kept the node as it is written
     * @throws TidemillException {@code INVALID_ARGUMENT} for a transform that never ends for some lengths
     */
    List<ByteString> guarded(Node node, ByteString kept, GraphScope scope) throws IOException {
        if (node.domain().isEmpty()
                && node.type().equals(FOURIER)
                && isSet(node, "inverse")
                && isSet(node, "onesided")) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label() + " is a DFT that is both inverse and one-sided, which ONNX Runtime does"
                            + " not end for some lengths; export the model with the whole spectrum (onesided=0)");
        }
        return node.domain().isEmpty() && node.type().equals(FRAMED)
                ? framed(node, kept, scope)
                : filled(kept, node, places(node), scope);
    }

    /** Inputs that have to hold something. */
    private static List<Integer> places(Node node) {
        if (node.type().equals(VECTORIZER)) {
            return IntStream.range(0, node.inputs().size()).boxed().toList();
        }
        if (node.domain().isEmpty()) {
            return FILLED.getOrDefault(node.type(), List.of());
        }
        if (!node.type().equals(JOINED)) {
            return FILLED_OF_MICROSOFT.getOrDefault(node.type(), List.of());
        }
        // Those of the answer, and of each tensor after it.
        return IntStream.range(0, node.inputs().size())
                .filter(place -> place < 2 || place % 3 != 2)
                .boxed()
                .toList();
    }

    private static boolean isSet(Node node, String attribute) {
        return node.attribute(attribute)
                .map(given -> given.reference() || given.whole() != 0)
                .orElse(false);
    }

    /** Inputs without any value end ONNX Runtime here: they are refused by a division of our own, which is an error. */
    private List<ByteString> filled(ByteString kept, Node node, List<Integer> places, GraphScope scope)
            throws IOException {
        List<ByteString> nodes = new ArrayList<>();
        ByteString guarded = kept;
        for (int place : places) {
            if (place >= node.inputs().size()
                    || node.inputs().get(place).isEmpty()
                    || scope.isFilled(node.inputs().get(place))) {
                continue;
            }
            String given = node.inputs().get(place);
            String own = marks.next();
            // A window is a list: what has no dimension ends ONNX Runtime, and has no first one here.
            nodes.addAll(
                    node.type().equals(FRAMED)
                            ? List.of(
                                    GraphNodes.whole(own + "first", 0, false),
                                    GraphNodes.made("Shape", own + "sizes", given),
                                    GraphNodes.made("Gather", own + "values", own + "sizes", own + "first"))
                            : List.of(GraphNodes.made("Size", own + "values", given)));
            nodes.addAll(List.of(
                    GraphNodes.whole(own + "one", 1, false),
                    GraphNodes.named(
                            "Div", NOTHING + node.type() + "/" + own, own + "part", own + "one", own + "values"),
                    GraphNodes.made("Sub", own + "none", own + "part", own + "part"),
                    GraphNodes.made("Shape", own + "shape", given),
                    GraphNodes.made("Add", own + "same", own + "shape", own + "none"),
                    GraphNodes.made("Reshape", own + "given", given, own + "same")));
            guarded = GraphNodes.rewired(guarded, place, own + "given", "");
        }
        nodes.add(guarded);
        return nodes;
    }

    /** ONNX Runtime divides by the length of a frame: one of 0 is divided by itself before, which is an error. */
    private List<ByteString> framed(Node node, ByteString kept, GraphScope scope) throws IOException {
        int place = 3;
        List<Integer> window = FILLED.getOrDefault(node.type(), List.of());
        if (node.inputs().size() <= place || node.inputs().get(place).isEmpty()) {
            return filled(kept, node, window, scope);
        }
        String own = marks.next();
        String length = node.inputs().get(place);
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.named("Div", NOTHING + node.type() + "/" + own, own + "unit", length, length),
                GraphNodes.made("Mul", own + "length", length, own + "unit")));
        nodes.addAll(filled(GraphNodes.rewired(kept, place, own + "length", ""), node, window, scope));
        return nodes;
    }
}
