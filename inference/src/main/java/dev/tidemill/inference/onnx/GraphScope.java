package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.inference.onnx.GraphPart.Typed;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is known of the values of a graph while its nodes are followed in their order: the types of their elements, and which are
 * constants that no whole number is divided by with harm, or that have any value. What is not known is left out. Not thread-safe.
 */
final class GraphScope {
    /**
     * Numbers of the types whose quotients cannot end the process: floats, unsigned numbers, texts, truth values, and signed whole
     * numbers of 8 and 16 bits, which are divided as ones of 32.
     */
    private static final Set<Integer> HARMLESS = Set.of(1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16);
    /** Operators whose first output has elements of the type of their first input. */
    private static final Set<String> SAME = Set.of(
            ("Abs Add AveragePool BatchNormalization Ceil Clip Concat Conv ConvTranspose Cos CumSum Div Dropout Elu Erf Exp Expand"
                            + " Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid"
                            + " Identity InstanceNormalization LayerNormalization LeakyRelu Log LogSoftmax MatMul Max MaxPool"
                            + " Mean Min Mod Mul Neg Pad Pow PRelu Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax"
                            + " ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round ScatterElements"
                            + " ScatterND Selu Sigmoid Sign Sin Slice Softmax Softplus Sqrt Squeeze Sub Sum Tanh Tile TopK"
                            + " Transpose Unsqueeze")
                    .split(" "));

    private static final Set<String> COUNTING = Set.of("Shape", "Size", "NonZero", "ArgMax", "ArgMin");
    /** Operators that give as many values as their first input has. */
    private static final Set<String> AS_MANY = Set.of(
            "Identity",
            "Reshape",
            "Flatten",
            "Squeeze",
            "Unsqueeze",
            "Transpose",
            "Cast",
            "QuantizeLinear",
            "DequantizeLinear");
    /** Operators that give the values that they are given, in whatever shape. */
    private static final Set<String> PASSING = Set.of("Identity", "Reshape", "Squeeze", "Unsqueeze");

    private static final int FLOAT = 1;
    static final String LEARNED = "ai.onnx.ml";
    /** Learned operators that give floats, a classifier as its second output. */
    private static final Set<String> SCORING = Set.of(
            "LinearClassifier",
            "LinearRegressor",
            "Normalizer",
            "SVMClassifier",
            "SVMRegressor",
            "Scaler",
            "TreeEnsembleClassifier",
            "TreeEnsembleRegressor");

    private final Map<String, Integer> types = new HashMap<>();
    private final Set<String> harmless = new HashSet<>();
    private final Set<String> filled = new HashSet<>();
    private final GraphRanks ranks = new GraphRanks();

    /** Whether inputs are of the types that they tell, as ONNX Runtime makes sure for the outermost graph. */
    private final boolean outermost;

    private final boolean seesInputs;

    /** That of a function, which sees nothing around it. */
    GraphScope() {
        this(false, false);
    }

    private GraphScope(boolean outermost, boolean seesInputs) {
        this.outermost = outermost;
        this.seesInputs = seesInputs;
    }

    static GraphScope outermost() {
        return new GraphScope(true, true);
    }

    /** That of a graph within another, whose values it sees. */
    GraphScope(GraphScope outer) {
        this(false, outer.seesInputs);
        types.putAll(outer.types);
        harmless.addAll(outer.harmless);
        filled.addAll(outer.filled);
        ranks.copy(outer.ranks);
    }

    void hold(Held held) {
        types.put(held.name(), held.elementType());
        mark(held.name(), held);
        ranks.hold(held.name(), held);
    }

    /** How many dimensions values have. */
    GraphRanks ranks() {
        return ranks;
    }

    /** Whether all values have one known number of dimensions. */
    boolean areOfOneRank(List<String> names) {
        return ranks.areSame(names);
    }

    private void mark(String name, Held held) {
        if (held.filled()) {
            filled.add(name);
        } else {
            filled.remove(name);
        }
        if (held.wholes().isPresent() && Arrays.stream(held.wholes().get()).noneMatch(value -> value == -1)) {
            harmless.add(name);
        } else {
            harmless.remove(name);
        }
    }

    /** Whether a node sees the inputs of the model. */
    boolean seesInputs() {
        return seesInputs;
    }

    void input(Typed input) {
        if (!types.containsKey(input.name()) || !outermost) {
            ranks.forget(input.name());
            ranks.put(input.name(), outermost ? input.rank() : -1);
            types.put(input.name(), outermost ? input.elementType() : 0);
        }
        if (!outermost) {
            harmless.remove(input.name());
            filled.remove(input.name());
        }
    }

    /** What a node of this graph makes hides what an outer one has under the same name. */
    void forget(Node node) {
        node.outputs().forEach(types::remove);
        node.outputs().forEach(ranks::forget);
        node.outputs().forEach(harmless::remove);
        node.outputs().forEach(filled::remove);
    }

    /** Notes what a node makes. */
    void follow(Node node) throws IOException {
        if (node.domain().isEmpty() || node.domain().equals(LEARNED)) {
            ranks.follow(node);
        }
        if (node.domain().equals(LEARNED)) {
            int scores = node.type().endsWith("Classifier") ? 1 : 0;
            if (SCORING.contains(node.type()) && node.outputs().size() > scores) {
                types.put(node.outputs().get(scores), FLOAT);
            }
            return;
        }
        if (node.outputs().isEmpty() || !node.domain().isEmpty()) {
            return;
        }
        String output = node.outputs().getFirst();
        List<String> inputs = node.inputs();
        if (AS_MANY.contains(node.type()) && !inputs.isEmpty() && filled.contains(inputs.getFirst())) {
            filled.add(output);
        }
        if (node.type().equals("Constant")) {
            constant(node, output);
        } else if (node.type().equals("Cast")) {
            types.put(
                    output,
                    node.attribute("to")
                            .filter(to -> !to.reference())
                            .map(to -> (int) to.whole())
                            .orElse(0));
        } else if (COUNTING.contains(node.type())) {
            types.put(output, GraphPart.INT64);
        } else if (SAME.contains(node.type()) && !inputs.isEmpty()) {
            types.put(output, types.getOrDefault(inputs.getFirst(), 0));
            if (PASSING.contains(node.type()) && harmless.contains(inputs.getFirst())) {
                harmless.add(output);
            }
        } else if (node.type().equals("Where") && inputs.size() == 3) {
            types.put(output, types.getOrDefault(inputs.get(1), 0));
        } else if (node.type().equals("Split")) {
            node.outputs().forEach(one -> types.put(one, types.getOrDefault(inputs.getFirst(), 0)));
        }
    }

    private void constant(Node node, String output) throws IOException {
        for (Attribute attribute : node.attributes()) {
            if (attribute.name().equals("value") && attribute.tensors().size() == 1 && !attribute.reference()) {
                Held held = Held.of(attribute.tensors().getFirst());
                types.put(output, held.elementType());
                mark(output, held);
            } else if (attribute.name().equals("value_float") && !attribute.reference()) {
                types.put(output, FLOAT);
            }
        }
    }

    /** Whether a value is known to have elements. */
    boolean isFilled(String name) {
        return filled.contains(name);
    }

    /** Whether a quotient or remainder may be that of signed whole numbers, one divided by -1. */
    boolean mayEndTheProcess(Node node) {
        String by = node.inputs().get(1);
        boolean known = node.inputs().stream().anyMatch(input -> HARMLESS.contains(types.getOrDefault(input, 0)));
        return !known && !harmless.contains(by);
    }
}
