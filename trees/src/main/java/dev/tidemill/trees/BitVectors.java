package dev.tidemill.trees;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the leaf of every tree of at most 64 leaves at once: each tree has a word with a bit for each leaf, from the left; each
 * node that sends the row right strikes out the leaves on its left; the lowest bit that stays is the exit leaf. Nodes are
 * visited feature by feature in the order of their thresholds, so that only those that send the row right are touched.
 * Source: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees",
 * SIGIR 2015. Immutable and thread-safe.
 */
final class BitVectors {
    /** The most leaves that a word can tell apart. */
    static final int LEAVES = 64;

    private static final long[] NO_MASKS = {};
    private static final int[] NO_TREES = {};

    /** What one feature does: masks by threshold, and for values that need a look of their own. */
    private static final class Feature {
        private double[] thresholds = {};
        private int[] trees = NO_TREES;
        private long[] masks = NO_MASKS;
        private int[] missingTrees = NO_TREES;
        private long[] missingMasks = NO_MASKS;
        private int[] zeroTrees = NO_TREES;
        private long[] zeroMasks = NO_MASKS;
        private boolean zeroIsMissing;
        private Node[] sets = {};
        private int[] setTrees = NO_TREES;
        private long[] setMasks = NO_MASKS;
    }

    private record Struck(Node node, int tree, long mask) {}

    private final Feature[] features;
    private final boolean strict;
    private final int trees;

    /**
     * @param roots of the trees to take up, in order; a negative one is left out
     * @param strict as in {@link Node#goesLeft(double, boolean)}
     */
    BitVectors(int featureCount, Node[] nodes, int[] roots, boolean strict) {
        this.strict = strict;
        this.trees = roots.length;
        List<List<Struck>> byFeature = new ArrayList<>();
        for (int i = 0; i < featureCount; i++) {
            byFeature.add(new ArrayList<>());
        }
        for (int tree = 0; tree < roots.length; tree++) {
            if (roots[tree] >= 0) {
                collect(nodes, roots[tree], tree, 0, byFeature);
            }
        }
        features = new Feature[featureCount];
        for (int i = 0; i < featureCount; i++) {
            features[i] = feature(byFeature.get(i));
        }
    }

    /** Gives the number of leaves below a node, whose first has that number. */
    private static int collect(Node[] nodes, int at, int tree, int first, List<List<Struck>> byFeature) {
        Node node = nodes[at];
        if (node.isLeaf()) {
            return 1;
        }
        int left = collect(nodes, node.left(), tree, first, byFeature);
        int right = collect(nodes, node.right(), tree, first + left, byFeature);
        long below = left == LEAVES ? -1L : (1L << left) - 1;
        byFeature.get(node.feature()).add(new Struck(node, tree, ~(below << first)));
        return left + right;
    }

    private Feature feature(List<Struck> all) {
        var feature = new Feature();
        List<Struck> numeric = all.stream()
                .filter(one -> !one.node().isCategorical())
                .sorted(Comparator.comparingDouble(one -> one.node().threshold()))
                .toList();
        feature.thresholds =
                numeric.stream().mapToDouble(one -> one.node().threshold()).toArray();
        feature.trees = trees(numeric);
        feature.masks = masks(numeric);
        List<Struck> missing = all.stream()
                .filter(one -> !one.node().goesLeft(Double.NaN, strict))
                .toList();
        feature.missingTrees = trees(missing);
        feature.missingMasks = masks(missing);
        feature.zeroIsMissing = all.stream().anyMatch(one -> one.node().missing() == Node.Missing.ZERO_OR_NAN);
        List<Struck> zero =
                all.stream().filter(one -> !one.node().goesLeft(0, strict)).toList();
        feature.zeroTrees = trees(zero);
        feature.zeroMasks = masks(zero);
        List<Struck> sets =
                all.stream().filter(one -> one.node().isCategorical()).toList();
        feature.sets = sets.stream().map(Struck::node).toArray(Node[]::new);
        feature.setTrees = trees(sets);
        feature.setMasks = masks(sets);
        return feature;
    }

    private static int[] trees(List<Struck> some) {
        return some.stream().mapToInt(Struck::tree).toArray();
    }

    private static long[] masks(List<Struck> some) {
        return some.stream().mapToLong(Struck::mask).toArray();
    }

    /**
     * A word for each tree, of which the lowest bit is the leaf that the row falls into.
     *
     * @param reused words of an earlier row to write into; none makes new ones
     */
    long[] leaves(double[] row, long @Nullable [] reused) {
        long[] words = reused == null ? new long[trees] : reused;
        Arrays.fill(words, -1L);
        for (int i = 0; i < features.length; i++) {
            Feature feature = features[i];
            double value = row[i];
            if (Double.isNaN(value)) {
                strike(words, feature.missingTrees, feature.missingMasks);
            } else if (feature.zeroIsMissing && Node.isZero(value)) {
                strike(words, feature.zeroTrees, feature.zeroMasks);
            } else {
                strike(words, feature, value);
            }
        }
        return words;
    }

    private static void strike(long[] words, int[] trees, long[] masks) {
        for (int i = 0; i < trees.length; i++) {
            words[trees[i]] &= masks[i];
        }
    }

    private void strike(long[] words, Feature feature, double value) {
        double[] thresholds = feature.thresholds;
        int[] trees = feature.trees;
        long[] masks = feature.masks;
        if (strict) {
            for (int i = 0; i < thresholds.length && value >= thresholds[i]; i++) {
                words[trees[i]] &= masks[i];
            }
        } else {
            for (int i = 0; i < thresholds.length && value > thresholds[i]; i++) {
                words[trees[i]] &= masks[i];
            }
        }
        for (int i = 0; i < feature.sets.length; i++) {
            if (!feature.sets[i].goesLeft(value, strict)) {
                words[feature.setTrees[i]] &= feature.setMasks[i];
            }
        }
    }
}
