package dev.tidemill.trees;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sum of decision trees, scored in the order and precision of the library that made it. Trees of at most 64 leaves are
 * scored by bit vectors, wider ones by walking. Immutable and thread-safe.
 */
public final class TreeEnsemble {
    /**
     * In which numbers a library compares and adds.
     *
     * @param single whether inputs, thresholds and sums are 32-bit floats
     * @param strict whether a value goes left if it is less than the threshold, rather than at most as large
     */
    record Arithmetic(boolean single, boolean strict) {
        static final Arithmetic XGBOOST = new Arithmetic(true, true);
        static final Arithmetic LIGHTGBM = new Arithmetic(false, false);
    }

    private final int features;
    private final double[] base;
    private final Arithmetic arithmetic;
    private final Node[] nodes;
    private final int[] roots;
    private final int[] outputs;
    private final boolean[] wide;
    private final int[] firstLeaf;
    private final double[] leafValues;
    private final double[][] leafVectors;
    private final BitVectors bitVectors;
    /** Whether there is one output, every tree is scored by bit vectors, and each leaf is one number. */
    private final boolean plain;

    /**
     * @param features number of inputs
     * @param base start of the sum for each output
     * @param nodes of all trees
     * @param roots index of each tree's root among the nodes
     * @param outputs output that each tree adds to
     */
    TreeEnsemble(int features, double[] base, Node[] nodes, int[] roots, int[] outputs, Arithmetic arithmetic) {
        this(features, base, nodes, roots, outputs, arithmetic, new double[0][]);
    }

    /**
     * An ensemble whose leaves hold a value for every output.
     *
     * @param leafVectors what leaves hold, of which a leaf's own value is the index; none if a leaf's value is what it adds to
     *     its tree's one output
     */
    TreeEnsemble(
            int features,
            double[] base,
            Node[] nodes,
            int[] roots,
            int[] outputs,
            Arithmetic arithmetic,
            double[][] leafVectors) {
        this.features = features;
        this.leafVectors = leafVectors.clone();
        this.base = base.clone();
        this.nodes = nodes.clone();
        this.roots = roots.clone();
        this.outputs = outputs.clone();
        this.arithmetic = arithmetic;
        this.wide = new boolean[roots.length];
        this.firstLeaf = new int[roots.length];
        int[] narrow = roots.clone();
        List<Double> values = new ArrayList<>();
        for (int tree = 0; tree < roots.length; tree++) {
            firstLeaf[tree] = values.size();
            leaves(roots[tree], values, 0);
            wide[tree] = values.size() - firstLeaf[tree] > BitVectors.LEAVES;
            if (wide[tree]) {
                narrow[tree] = -1;
            }
        }
        this.leafValues = values.stream().mapToDouble(Double::doubleValue).toArray();
        this.bitVectors = new BitVectors(nodes, narrow, arithmetic.strict());
        this.plain = base.length == 1
                && leafVectors.length == 0
                && Arrays.stream(narrow).allMatch(root -> root >= 0);
    }

    /** Collects the leaves below a node from left to right; a loop among damaged nodes is found by its depth. */
    private void leaves(int at, List<Double> values, int depth) {
        if (at < 0 || at >= nodes.length || depth > nodes.length || values.size() > nodes.length || depth > 4_000) {
            throw new UnsupportedModelException("a tree's nodes do not form a tree");
        }
        Node node = nodes[at];
        if (node.isLeaf()) {
            values.add(node.threshold());
            return;
        }
        if (node.feature() >= features) {
            throw new UnsupportedModelException(
                    "a node asks for input " + node.feature() + " of " + features + ", counted from 0");
        }
        leaves(node.left(), values, depth + 1);
        leaves(node.right(), values, depth + 1);
    }

    public int features() {
        return features;
    }

    public int outputs() {
        return base.length;
    }

    public int trees() {
        return roots.length;
    }

    /**
     * Sums the leaves that a row falls into.
     *
     * @param row {@link #features()} values; NaN is missing
     * @return one margin for each output
     */
    public double[] margins(double[] row) {
        return margins(row, null);
    }

    /** The margins of many rows, one after the other. */
    public double[][] margins(double[][] rows) {
        double[][] margins = new double[rows.length][];
        long[] words = new long[roots.length];
        for (int i = 0; i < rows.length; i++) {
            margins[i] = margins(rows[i], words);
        }
        return margins;
    }

    private double[] margins(double[] given, long @Nullable [] reused) {
        if (given.length != features) {
            throw new IllegalArgumentException("a row has " + given.length + " values; the model takes " + features);
        }
        double[] row = arithmetic.single() ? single(given) : given;
        long[] words = bitVectors.leaves(row, reused);
        if (plain) {
            return arithmetic.single() ? singleSum(words) : doubleSum(words);
        }
        double[] sums = base.clone();
        for (int tree = 0; tree < roots.length; tree++) {
            double leaf = wide[tree]
                    ? walk(roots[tree], row)
                    : leafValues[firstLeaf[tree] + Long.numberOfTrailingZeros(words[tree])];
            add(sums, tree, leaf);
        }
        return sums;
    }

    private double[] doubleSum(long[] words) {
        double sum = base[0];
        for (int tree = 0; tree < words.length; tree++) {
            sum += leafValues[firstLeaf[tree] + Long.numberOfTrailingZeros(words[tree])];
        }
        return new double[] {sum};
    }

    private double[] singleSum(long[] words) {
        float sum = (float) base[0];
        for (int tree = 0; tree < words.length; tree++) {
            sum += (float) leafValues[firstLeaf[tree] + Long.numberOfTrailingZeros(words[tree])];
        }
        return new double[] {sum};
    }

    private void add(double[] sums, int tree, double leaf) {
        if (leafVectors.length > 0) {
            double[] vector = leafVectors[(int) leaf];
            for (int i = 0; i < sums.length; i++) {
                sums[i] = arithmetic.single() ? (float) sums[i] + (float) vector[i] : sums[i] + vector[i];
            }
            return;
        }
        double sum = sums[outputs[tree]];
        sums[outputs[tree]] = arithmetic.single() ? (float) sum + (float) leaf : sum + leaf;
    }

    private static double[] single(double[] row) {
        double[] rounded = new double[row.length];
        for (int i = 0; i < row.length; i++) {
            rounded[i] = (float) row[i];
        }
        return rounded;
    }

    private double walk(int root, double[] row) {
        Node node = nodes[root];
        while (!node.isLeaf()) {
            node = nodes[node.goesLeft(row[node.feature()], arithmetic.strict()) ? node.left() : node.right()];
        }
        return node.threshold();
    }

    /** The same, each tree walked from its root: what the bit vectors are tested against. */
    double[] walkedMargins(double[] given) {
        double[] row = arithmetic.single() ? single(given) : given;
        double[] sums = base.clone();
        for (int tree = 0; tree < roots.length; tree++) {
            add(sums, tree, walk(roots[tree], row));
        }
        return sums;
    }

    /** About how many bytes it takes. */
    public long bytes() {
        long sets = Arrays.stream(nodes)
                .mapToLong(node -> 8L * node.categories().length)
                .sum();
        long vectors = leafVectors.length == 0 ? 0 : leafVectors.length * (24L + 8L * base.length);
        return 200L * nodes.length + 16L * roots.length + sets + vectors + bitVectors.bytes();
    }
}
