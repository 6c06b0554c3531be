package dev.tidemill.trees;

import dev.tidemill.trees.OnnxGraph.Operation;
import dev.tidemill.trees.OnnxGraph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * An ONNX model that is one tree ensemble ({@code TreeEnsembleRegressor}, {@code TreeEnsembleClassifier} or {@code TreeEnsemble}
 * of {@code ai.onnx.ml}, as scikit-learn's forests and boosters become), with what may stand around it: columns that are joined
 * to a matrix, casts, and a map of probabilities. Scored as ONNX Runtime does, in its order and precision. Immutable and thread-safe.
 *
 * @param inputs names in the order of the features: each of a column, or the one of a matrix
 * @param outputs in the graph's order
 * @param labels of a classifier, in the order of its scores: texts or whole numbers; empty for a regression
 */
public record OnnxTrees(
        TreeEnsemble ensemble, OnnxTreeLink link, List<String> inputs, List<Output> outputs, List<Object> labels) {
    private static final String ML = "ai.onnx.ml";
    private static final Set<String> AROUND = Set.of("Cast", "Identity", "ZipMap", "Concat");

    /**
     * One thing that a graph gives.
     *
     * @param scores whether it is the scores or the value, rather than the label
     */
    public record Output(String name, boolean scores) {}

    public OnnxTrees {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        labels = List.copyOf(labels);
    }

    /** What the trees say of a row: a value for each target, or a score for each label. */
    public double[] scores(double[] row) {
        return link.predictions(ensemble.margins(row));
    }

    /** The scores of many rows. */
    public double[][] scores(double[][] rows) {
        double[][] scores = ensemble.margins(rows);
        for (int i = 0; i < scores.length; i++) {
            scores[i] = link.predictions(scores[i]);
        }
        return scores;
    }

    /**
     * Parses a model.
     *
     * @throws UnsupportedModelException if the bytes are no ONNX model, or more than such an ensemble
     */
    public static OnnxTrees parse(byte[] content) {
        OnnxGraph graph = unified(OnnxGraph.parse(content));
        List<Operation> ensembles = graph.operations().stream()
                .filter(one -> one.type().startsWith("TreeEnsemble"))
                .toList();
        boolean plain =
                graph.operations().stream().allMatch(one -> ensembles.contains(one) || AROUND.contains(one.type()));
        if (ensembles.size() != 1 || !plain || !graph.held().isEmpty()) {
            throw new UnsupportedModelException("it is more than one ensemble of trees");
        }
        Operation trees = ensembles.getFirst();
        boolean classifier = trees.type().equals("TreeEnsembleClassifier");
        if (!trees.domain().equals(ML) || !classifier && !trees.type().equals("TreeEnsembleRegressor")) {
            throw new UnsupportedModelException("its operation " + trees.type() + " is not supported");
        }
        Map<String, Operation> makers = new HashMap<>();
        graph.operations().forEach(one -> one.outputs().forEach(name -> makers.put(name, one)));
        List<Value> given = inputs(graph, trees, makers);
        boolean columns = given.size() > 1;
        int features = columns ? given.size() : width(given.getFirst());
        List<Object> labels = classifier ? labels(trees) : List.of();
        var sizes = new DeclaredSizes(content.length);
        return new OnnxTrees(
                ensemble(trees, classifier, features, labels.size(), sizes),
                OnnxTreeLink.of(trees, classifier, labels.size()),
                given.stream().map(Value::name).toList(),
                graph.outputs().stream()
                        .map(output -> new Output(output.name(), isScores(output.name(), trees, classifier, makers)))
                        .toList(),
                labels);
    }

    private static OnnxGraph unified(OnnxGraph graph) {
        return new OnnxGraph(
                graph.operations().stream()
                        .map(one -> one.domain().equals(ML) && one.type().equals(OnnxUnifiedTrees.TYPE)
                                ? OnnxUnifiedTrees.asRegressor(one)
                                : one)
                        .toList(),
                graph.inputs(),
                graph.outputs(),
                graph.held(),
                graph.opset(),
                graph.functions());
    }

    /** The graph's inputs in the order in which they reach the trees. */
    private static List<Value> inputs(OnnxGraph graph, Operation trees, Map<String, Operation> makers) {
        Map<String, Value> byName =
                graph.inputs().stream().collect(Collectors.toMap(Value::name, Function.identity(), (a, b) -> a));
        List<Value> found = new ArrayList<>();
        follow(trees.inputs().getFirst(), byName, makers, found, new HashSet<>(), 0);
        if (found.size() != byName.size() || Set.copyOf(found).size() != found.size()) {
            throw new UnsupportedModelException("its inputs do not all lead to the trees, once each");
        }
        for (Value input : found) {
            if (input.elementType() != OnnxGraph.FLOAT || found.size() > 1 && width(input) != 1) {
                throw new UnsupportedModelException(
                        "its input '" + input.name() + "' is no column or matrix of floats");
            }
        }
        return found;
    }

    private static void follow(
            String name,
            Map<String, Value> inputs,
            Map<String, Operation> makers,
            List<Value> found,
            Set<String> seen,
            int depth) {
        if (!seen.add(name)) {
            throw new UnsupportedModelException("its '" + name + "' leads to the trees in two ways");
        }
        Value input = inputs.get(name);
        if (input != null) {
            found.add(input);
            return;
        }
        Operation maker = makers.get(name);
        if (maker == null || depth > 20) {
            throw new UnsupportedModelException("nothing makes '" + name + "'");
        }
        boolean joins = maker.type().equals("Concat") && Math.abs(maker.whole("axis", 0)) == 1;
        boolean keeps = maker.type().equals("Identity")
                || maker.type().equals("Cast") && maker.whole("to", 0) == OnnxGraph.FLOAT;
        if (!joins && !keeps) {
            throw new UnsupportedModelException("its operation " + maker.type() + " comes before the trees");
        }
        maker.inputs().forEach(one -> follow(one, inputs, makers, found, seen, depth + 1));
    }

    private static int width(Value input) {
        long width = input.shape().size() == 2 ? input.shape().get(1) : -1;
        if (width < 1 || width > 1_000_000) {
            throw new UnsupportedModelException("the shape of its input '" + input.name() + "' is open");
        }
        return (int) width;
    }

    private static List<Object> labels(Operation trees) {
        List<Object> labels = new ArrayList<>(trees.texts("classlabels_strings"));
        for (long label : trees.wholes("classlabels_int64s")) {
            labels.add(label);
        }
        if (labels.size() < 2) {
            throw new UnsupportedModelException("it is a classifier of " + labels.size() + " classes");
        }
        return labels;
    }

    /** Whether an output is the ensemble's second, or a regressor's only one. */
    private static boolean isScores(String name, Operation trees, boolean classifier, Map<String, Operation> makers) {
        String at = name;
        for (int i = 0; i < 20; i++) {
            Operation maker = makers.get(at);
            if (maker == trees) {
                return !classifier || trees.outputs().indexOf(at) == 1;
            }
            if (maker == null) {
                break;
            }
            at = maker.inputs().getFirst();
        }
        throw new UnsupportedModelException("its output '" + name + "' does not come from the trees");
    }

    private static TreeEnsemble ensemble(
            Operation trees, boolean classifier, int features, int labels, DeclaredSizes sizes) {
        var leaves = new Leaves(trees, classifier, labels, sizes);
        boolean strict = strict(trees.texts("nodes_modes"));
        Node[] nodes = nodes(trees, leaves, features);
        long[] treeIds = trees.wholes("nodes_treeids");
        int[] roots = IntStream.range(0, treeIds.length)
                .filter(i -> i == 0 || treeIds[i] != treeIds[i - 1])
                .toArray();
        return new TreeEnsemble(
                features,
                new double[leaves.width()],
                nodes,
                roots,
                new int[roots.length],
                new TreeEnsemble.Arithmetic(true, strict),
                leaves.vectors());
    }

    private static Node[] nodes(Operation trees, Leaves leaves, int features) {
        long[] treeIds = trees.wholes("nodes_treeids");
        long[] ids = trees.wholes("nodes_nodeids");
        long[] asked = trees.wholes("nodes_featureids");
        double[] thresholds = trees.numbers("nodes_values");
        List<String> modes = trees.texts("nodes_modes");
        long[] whenTrue = trees.wholes("nodes_truenodeids");
        long[] whenFalse = trees.wholes("nodes_falsenodeids");
        long[] tracks = trees.wholes("nodes_missing_value_tracks_true");
        int count = treeIds.length;
        boolean alike = IntStream.of(
                        ids.length, asked.length, thresholds.length, modes.size(), whenTrue.length, whenFalse.length)
                .allMatch(length -> length == count);
        if (count == 0 || !alike || tracks.length != 0 && tracks.length != count) {
            throw new UnsupportedModelException("its lists of nodes are not of the same length");
        }
        Map<Position, Integer> places = new HashMap<>();
        for (int i = 0; i < count; i++) {
            places.put(new Position(treeIds[i], ids[i]), i);
        }
        Node[] nodes = new Node[count];
        for (int i = 0; i < count; i++) {
            String mode = modes.get(i);
            if (mode.equals("LEAF")) {
                nodes[i] = Node.leaf(leaves.index(treeIds[i], ids[i]));
                continue;
            }
            if (asked[i] < 0 || asked[i] >= features) {
                throw new UnsupportedModelException("a node asks for input " + asked[i] + " of " + features);
            }
            int yes = place(places, treeIds[i], whenTrue[i]);
            int no = place(places, treeIds[i], whenFalse[i]);
            boolean missingYes = tracks.length > 0 && tracks[i] != 0;
            // Not less, and not at most: the same question the other way round.
            boolean turned = mode.equals("BRANCH_GT") || mode.equals("BRANCH_GTE");
            nodes[i] = Node.numeric(
                    (int) asked[i],
                    thresholds[i],
                    turned ? no : yes,
                    turned ? yes : no,
                    Node.Missing.NAN,
                    turned != missingYes);
        }
        return nodes;
    }

    private record Position(long tree, long node) {}

    private static int place(Map<Position, Integer> places, long tree, long node) {
        @Nullable Integer place = places.get(new Position(tree, node));
        if (place == null) {
            throw new UnsupportedModelException("tree " + tree + " has no node " + node);
        }
        return place;
    }

    /** Whether nodes ask for less, rather than at most; all of a model must ask alike. */
    private static boolean strict(List<String> modes) {
        Set<String> kinds = modes.stream().filter(mode -> !mode.equals("LEAF")).collect(Collectors.toSet());
        if (Set.of("BRANCH_LT", "BRANCH_GTE").containsAll(kinds)) {
            return true;
        }
        if (Set.of("BRANCH_LEQ", "BRANCH_GT").containsAll(kinds)) {
            return false;
        }
        throw new UnsupportedModelException("its nodes ask in different ways: " + kinds);
    }

    /** What the leaves add to each output. */
    private static final class Leaves {
        private final Map<Position, Integer> places = new HashMap<>();
        private final List<double[]> vectors = new ArrayList<>();
        private final int width;

        private Leaves(Operation trees, boolean classifier, int labels, DeclaredSizes sizes) {
            String prefix = classifier ? "class" : "target";
            long[] outputs = trees.wholes(prefix + "_ids");
            long[] treeIds = trees.wholes(prefix + "_treeids");
            long[] nodeIds = trees.wholes(prefix + "_nodeids");
            double[] weights = trees.numbers(prefix + "_weights");
            boolean binary = classifier && OnnxTreeLink.isBinary(trees, labels);
            width = binary ? 1 : classifier ? labels : OnnxTreeLink.targets(trees);
            sizes.keep(width);
            vectors.add(new double[width]);
            if (treeIds.length != outputs.length
                    || nodeIds.length != outputs.length
                    || weights.length != outputs.length) {
                throw new UnsupportedModelException("its lists of leaves are not of the same length");
            }
            for (int i = 0; i < outputs.length; i++) {
                long output = binary ? 0 : outputs[i];
                if (output < 0 || output >= width) {
                    throw new UnsupportedModelException("a leaf adds to output " + output + " of " + width);
                }
                var position = new Position(treeIds[i], nodeIds[i]);
                int place = places.computeIfAbsent(position, unused -> vectors.size());
                if (place == vectors.size()) {
                    sizes.keep(width);
                    vectors.add(new double[width]);
                }
                vectors.get(place)[(int) output] += weights[i];
            }
        }

        /** What stands in a leaf's node: its value if there is one output, else the index of its values; 0 is of nothing. */
        private double index(long tree, long node) {
            int place = places.getOrDefault(new Position(tree, node), 0);
            return width == 1 ? vectors.get(place)[0] : place;
        }

        private int width() {
            return width;
        }

        private double[][] vectors() {
            return width == 1 ? new double[0][] : vectors.toArray(double[][]::new);
        }
    }
}
