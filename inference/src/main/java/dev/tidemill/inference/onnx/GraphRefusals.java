package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

/**
 * Operators that no model may have here. ONNX Runtime's own domains have many that are made for one program, or that only its
 * optimizer writes, with kernels that do not look whether shapes fit each other, and end the process where they do not (seen with
 * ONNX Runtime 1.29). So of these domains only those are taken that exporters write and that were tried with inputs of every odd kind.
 */
final class GraphRefusals {
    private static final String MICROSOFT = "com.microsoft";
    /** What the domains begin with that ONNX Runtime's optimizer writes blocked and internal layouts in. */
    private static final List<String> INTERNAL = List.of("com.microsoft.", "com.ms.");

    private static final String FUSED_PRODUCT = "FusedMatMul";
    private static final Set<String> OPTIMIZED = Set.of("DynamicQuantizeMatMul", "MatMulIntegerToFloat");

    /** Operators of Microsoft that exporters write: converters of scikit-learn, quantizers, and those of networks for texts. */
    private static final Set<String> TAKEN = Set.of(
            "Attention",
            "BiasGelu",
            "CDist",
            "DequantizeLinear",
            "DynamicQuantizeLSTM",
            "EmbedLayerNormalization",
            "FastGelu",
            "FusedConv",
            "FusedGemm",
            FUSED_PRODUCT,
            "GatherBlockQuantized",
            "Gelu",
            "GridSample",
            "Inverse",
            "MatMulBnb4",
            "MatMulNBits",
            "MultiHeadAttention",
            "MurmurHash3",
            "QAttention",
            "QEmbedLayerNormalization",
            "QGemm",
            "QLinearAdd",
            "QLinearAveragePool",
            "QLinearConcat",
            "QLinearConv",
            "QLinearGlobalAveragePool",
            "QLinearLeakyRelu",
            "QLinearMul",
            "QLinearSigmoid",
            "QLinearSoftmax",
            "QLinearWhere",
            "QuantizeLinear",
            "QuickGelu",
            "RotaryEmbedding",
            "SkipLayerNormalization",
            "SkipSimplifiedLayerNormalization",
            "Tokenizer");

    /** Those that read inputs which their schema calls optional: how many of the first must be there. */
    private static final Map<String, Integer> WHOLE = Map.of(
            "Attention",
            3,
            "QLinearAdd",
            8,
            "QLinearAveragePool",
            5,
            "QLinearGlobalAveragePool",
            5,
            "QLinearLeakyRelu",
            5,
            "QLinearMul",
            8,
            "QLinearSigmoid",
            5,
            "QLinearSoftmax",
            5,
            "QLinearWhere",
            9);

    private static final String JOINED = "QLinearConcat";
    /** The zero point of QGemm's answer, which is read with its scale. */
    private static final int ANSWERED = 8;

    /** Inputs of MultiHeadAttention before those of a search for the best text. */
    private static final int MOST_FOR_HEADS = 8;

    private static final Set<Long> WIDTHS = Set.of(2L, 4L, 8L);
    /** More dimensions than any tensor has. */
    private static final int MOST_DIMENSIONS = 64;

    /** Parts of the names of operators that move a window over their input. */
    private static final List<String> SIZED = List.of("Conv", "Pool", "Unpool");
    /** More than any window, or step of one. */
    private static final long MOST_SIZE = 1 << 20;

    /** More words than are skipped between two that belong together; ONNX Runtime looks at each number of them. */
    private static final long MOST_SKIPPED = 10_000;

    /** More heads than any model has: ONNX Runtime multiplies by them without a look. */
    private static final long MOST_HEADS = 1 << 16;

    private GraphRefusals() {}

    /** @throws TidemillException {@code INVALID_ARGUMENT} naming the node, if it is one of these */
    static void require(GraphPart.Node node) {
        requireDomain(node);
        if (node.domain().equals(MICROSOFT)) {
            requireFitting(node);
        }
        if (SIZED.stream().anyMatch(node.type()::contains)) {
            for (String name : List.of("kernel_shape", "strides", "dilations")) {
                requireWholes(node, name, size -> size > 0 && size <= MOST_SIZE);
            }
            requireWholes(node, "pads", size -> Math.abs(size) <= MOST_SIZE);
        }
        if (node.type().equals("FeatureVectorizer")) {
            requireWholes(node, "inputdimensions", size -> size >= 0 && size <= MOST_SIZE);
        }
        if (node.domain().isEmpty()) {
            switch (node.type()) {
                case "GatherND" -> requireWhole(node, "batch_dims", count -> count >= 0 && count <= MOST_DIMENSIONS);
                case "TfIdfVectorizer" ->
                    requireWhole(node, "max_skip_count", count -> count >= 0 && count <= MOST_SKIPPED);
                case "CenterCropPad" ->
                    throw TidemillException.invalid(
                            "model",
                            told(node)
                                    + ", whose parts end ONNX Runtime where there are no values; export the model with"
                                    + " Slice and Pad instead");
                case "Scan" ->
                    requireWhole(
                            node,
                            "num_scan_inputs",
                            count -> count > 0 && count <= node.inputs().size());
                default -> {}
            }
        }
        if (node.domain().isEmpty() || node.domain().equals(MICROSOFT)) {
            for (String name : List.of("num_heads", "q_num_heads", "kv_num_heads")) {
                requireHeads(node, name);
            }
        }
    }

    private static void requireDomain(GraphPart.Node node) {
        String domain = node.domain();
        boolean microsoft = domain.equals(MICROSOFT);
        boolean optimized = INTERNAL.stream().anyMatch(domain::startsWith)
                || microsoft
                        && (OPTIMIZED.contains(node.type())
                                || node.type().equals(FUSED_PRODUCT)
                                        && (isSet(node, "transBatchA") || isSet(node, "transBatchB")));
        if (optimized) {
            throw TidemillException.invalid(
                    "model",
                    told(node)
                            + ", which ends ONNX Runtime where its inputs do not fit each other; register the model as"
                            + " it was before ONNX Runtime optimized and saved it");
        }
        if (microsoft && !TAKEN.contains(node.type())) {
            throw TidemillException.invalid(
                    "model",
                    told(node) + ", which is not among those of ONNX Runtime's own that are known to be safe in this"
                            + " server's process; export the model with ONNX's operators, without ONNX Runtime's"
                            + " optimizer, or as a Python model, which runs in a process of its own");
        }
    }

    /** What kernels read, or compute with, without a look. */
    private static void requireFitting(GraphPart.Node node) {
        boolean joins = node.type().equals(JOINED);
        int inputs = joins ? node.inputs().size() : WHOLE.getOrDefault(node.type(), 0);
        boolean whole = IntStream.range(0, inputs).allMatch(place -> has(node, place));
        if (!whole || node.type().equals("QGemm") && has(node, ANSWERED - 1) != has(node, ANSWERED)) {
            throw TidemillException.invalid(
                    "model", told(node) + ", which lacks an input that ONNX Runtime reads; give it all of them");
        }
        if (joins) {
            requireWhole(node, "axis", axis -> Math.abs(axis) <= MOST_DIMENSIONS);
        }
        // Of a text in two parts everything is read that belongs to the second.
        if (node.type().equals("QEmbedLayerNormalization")
                && !IntStream.of(1, 4, 10, 15).allMatch(place -> has(node, place))) {
            throw TidemillException.invalid(
                    "model", told(node) + " without segments, which ONNX Runtime does not compute safely");
        }
        if (node.type().equals("GatherBlockQuantized")) {
            requireWhole(node, "bits", WIDTHS::contains);
        }
        if (node.type().equals("MultiHeadAttention") && node.inputs().size() > MOST_FOR_HEADS) {
            throw TidemillException.invalid(
                    "model",
                    told(node) + " with more than " + MOST_FOR_HEADS + " inputs, which ONNX Runtime does not compute"
                            + " safely; export the model without what searches for the best text");
        }
        if (node.type().equals("Attention")) {
            // For texts that are written word by word, in a buffer that a program keeps.
            requireWhole(node, "past_present_share_buffer", shared -> shared == 0);
        }
    }

    private static boolean has(GraphPart.Node node, int place) {
        return node.inputs().size() > place && !node.inputs().get(place).isEmpty();
    }

    private static void requireWholes(GraphPart.Node node, String name, LongPredicate fits) {
        Optional<Attribute> given = node.attribute(name);
        if (given.isPresent()
                && (given.get().reference()
                        || !Arrays.stream(given.get().wholes()).allMatch(fits))) {
            throw TidemillException.invalid(
                    "model",
                    told(node) + " with " + name + " "
                            + Arrays.toString(given.get().wholes()) + ", which ONNX Runtime does not compute safely");
        }
    }

    private static void requireWhole(GraphPart.Node node, String name, LongPredicate fits) {
        Optional<Attribute> given = node.attribute(name);
        if (given.isPresent()
                && (given.get().reference() || !fits.test(given.get().whole()))) {
            throw TidemillException.invalid(
                    "model",
                    told(node) + " with " + name + " " + given.get().whole()
                            + ", which ONNX Runtime does not compute safely");
        }
    }

    private static String told(GraphPart.Node node) {
        return "its node " + node.label() + " is the operator " + node.type() + " of "
                + (node.domain().isEmpty() ? "ONNX" : node.domain());
    }

    /** ONNX Runtime divides by the number of heads. */
    private static void requireHeads(GraphPart.Node node, String name) {
        Optional<Attribute> heads = node.attribute(name);
        if (heads.isPresent()
                && (heads.get().reference()
                        || heads.get().whole() < 1
                                && !(name.equals("num_heads") && heads.get().whole() == 0)
                        || heads.get().whole() > MOST_HEADS)) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label() + " has a " + name + " that is no number from 1 to " + MOST_HEADS);
        }
    }

    private static boolean isSet(GraphPart.Node node, String attribute) {
        return node.attribute(attribute)
                .map(given -> given.reference() || given.whole() != 0)
                .orElse(false);
    }
}
