package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How many dimensions the values of a graph have, as far as its nodes say so; what is not known is left out. Not thread-safe. */
final class GraphRanks {
    /** Operators whose outputs have the dimensions of their first input, whatever their sizes. */
    private static final Set<String> SAME = Set.of(
            ("Abs AveragePool BatchNormalization Binarizer Cast Ceil Clip Conv ConvTranspose Cos CumSum DequantizeLinear Dropout Elu"
                            + " Erf Exp Floor GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity Imputer"
                            + " InstanceNormalization LRN LabelEncoder LayerNormalization LeakyRelu Log LogSoftmax LpNormalization"
                            + " MaxPool Mish Neg Normalizer Not PRelu Pad QLinearConv QuantizeLinear Reciprocal Relu Resize Round"
                            + " Scaler Selu Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Tanh Tile TopK Trilu Upsample")
                    .split(" "));
    /** Operators whose output has the most dimensions that any input has. */
    private static final Set<String> WIDEST = Set.of(
            "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where Xor"
                    .split(" "));

    private static final Set<String> MATRICES = Set.of("Flatten", "Gemm", "SVMRegressor", "LinearRegressor");
    private static final Set<String> CLASSIFIERS =
            Set.of("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier");
    private static final Set<String> ADDING = Set.of("Unsqueeze", "Squeeze");

    private final Map<String, Integer> ranks = new HashMap<>();
    /** How many values lists have that the graph holds. */
    private final Map<String, Integer> lengths = new HashMap<>();

    void copy(GraphRanks outer) {
        ranks.putAll(outer.ranks);
        lengths.putAll(outer.lengths);
    }

    void hold(String name, Held held) {
        ranks.put(name, held.rank());
        if (held.rank() == 1) {
            lengths.put(name, held.count());
        }
    }

    void put(String name, int rank) {
        if (rank >= 0) {
            ranks.put(name, rank);
        } else {
            ranks.remove(name);
        }
    }

    void forget(String name) {
        ranks.remove(name);
        lengths.remove(name);
    }

    /** Whether a value is known to have at least one dimension. */
    boolean isList(String name) {
        return ranks.getOrDefault(name, 0) > 0;
    }

    /** How many values a list has that the graph holds; empty if that is not known. */
    OptionalInt length(String name) {
        return known(lengths.get(name));
    }

    /** Whether all values have one known number of dimensions. */
    boolean areSame(List<String> names) {
        return !names.isEmpty()
                && names.stream().allMatch(ranks::containsKey)
                && names.stream().map(ranks::get).distinct().count() == 1;
    }

    /** Notes what a node makes. */
    void follow(Node node) throws IOException {
        if (node.type().equals("Constant")) {
            constant(node);
            return;
        }
        if (CLASSIFIERS.contains(node.type()) && node.outputs().size() > 1) {
            ranks.put(node.outputs().get(1), 2);
            return;
        }
        OptionalInt rank = node.inputs().isEmpty() ? OptionalInt.empty() : rank(node);
        if (rank.isPresent()) {
            node.outputs().forEach(output -> ranks.put(output, rank.getAsInt()));
        }
    }

    private void constant(Node node) throws IOException {
        for (Attribute attribute : node.attributes()) {
            if (attribute.name().equals("value") && attribute.tensors().size() == 1 && !attribute.reference()) {
                hold(node.outputs().getFirst(), Held.of(attribute.tensors().getFirst()));
            } else if (attribute.name().equals("value_ints") && !attribute.reference()) {
                lengths.put(node.outputs().getFirst(), attribute.wholes().length);
                ranks.put(node.outputs().getFirst(), 1);
            }
        }
    }

    private OptionalInt rank(Node node) {
        String type = node.type();
        if (SAME.contains(type)) {
            return of(node, 0);
        }
        if (MATRICES.contains(type)) {
            return OptionalInt.of(2);
        }
        if (type.equals("Shape")) {
            return OptionalInt.of(1);
        }
        if (WIDEST.contains(type)) {
            int widest = -1;
            for (int i = 0; i < node.inputs().size(); i++) {
                if (of(node, i).isEmpty()) {
                    return OptionalInt.empty();
                }
                widest = Math.max(widest, of(node, i).getAsInt());
            }
            return OptionalInt.of(widest);
        }
        if (type.equals("Transpose") || type.equals("Concat")) {
            return of(node, 0);
        }
        if (type.equals("Reshape")) {
            return length(node, 1);
        }
        if (type.equals("MatMul") && of(node, 0).orElse(0) > 1 && of(node, 1).orElse(0) > 1) {
            return OptionalInt.of(Math.max(of(node, 0).getAsInt(), of(node, 1).getAsInt()));
        }
        if (type.equals("Gather") && of(node, 0).isPresent() && of(node, 1).isPresent()) {
            return OptionalInt.of(of(node, 0).getAsInt() + of(node, 1).getAsInt() - 1);
        }
        if (ADDING.contains(type)) {
            OptionalInt axes = node.attribute("axes")
                    .filter(given -> !given.reference())
                    .map(given -> OptionalInt.of(given.wholes().length))
                    .orElseGet(() -> length(node, 1));
            int sign = type.equals("Unsqueeze") ? 1 : -1;
            return of(node, 0).isPresent() && axes.isPresent()
                    ? OptionalInt.of(of(node, 0).getAsInt() + sign * axes.getAsInt())
                    : OptionalInt.empty();
        }
        boolean kept = node.attribute("keepdims")
                .map(given -> !given.reference() && given.whole() != 0)
                .orElse(true);
        return (type.startsWith("Reduce") || type.startsWith("Arg")) && kept ? of(node, 0) : OptionalInt.empty();
    }

    private OptionalInt of(Node node, int place) {
        return place < node.inputs().size() ? known(ranks.get(node.inputs().get(place))) : OptionalInt.empty();
    }

    private OptionalInt length(Node node, int place) {
        return place < node.inputs().size() ? known(lengths.get(node.inputs().get(place))) : OptionalInt.empty();
    }

    private static OptionalInt known(@Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }
}
