package dev.tidemill.trees;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds the leaf of every tree of at most 64 leaves at once: each tree has a word with a bit for each leaf, from the left; each
 * node that sends the row right strikes out the leaves on its left; the lowest bit that stays is the exit leaf. Nodes are
 * visited feature by feature in the order of their thresholds, so that only those that send the row right are touched.
 * Source: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees",
 * SIGIR 2015. Where a feature has many nodes, what the first of them strike out is kept in checkpoints. Immutable and thread-safe.
 */
final class BitVectors {
    /** The most leaves that a word can tell apart. */
    static final int LEAVES = 64;

    /** Fewer nodes than this are struck one by one. */
    private static final int LEAST_STEP = 48;
    /** Most pairs of a node and a category that are listed of one feature, and of all. */
    private static final long MOST_LISTED = 500_000;

    private static final long MOST_LISTED_OF_ALL = 1_000_000;
    /** What a category costs beside its pairs, in pairs. */
    private static final int LIST = 16;

    private static final long[] NO_MASKS = {};
    private static final int[] NO_TREES = {};

    /** What one feature does with values that need a look of their own. */
    private static final class Special {
        private int[] missingTrees = NO_TREES;
        private long[] missingMasks = NO_MASKS;
        private int[] zeroTrees = NO_TREES;
        private long[] zeroMasks = NO_MASKS;
        private boolean zeroIsMissing;
        /** What each category strikes out; none where there are too many categories to list. */
        private int[][] categoryTrees = {};

        private long[][] categoryMasks = {};
        private Node[] sets = {};
        private int[] setTrees = NO_TREES;
        private long[] setMasks = NO_MASKS;
    }

    private record Struck(Node node, int tree, long mask) {}

    private final boolean strict;
    private final long[] untouched;
    /** Where each feature's nodes begin among those of all features; one more than there are features. */
    private final int[] starts;
    /** Of all numeric nodes, feature by feature, rising: a value above it goes right. */
    private final double[] thresholds;

    private final int[] thresholdTrees;
    private final long[] thresholdMasks;
    private final Special[] specials;
    /** The inputs that nodes ask for, rising; what is kept by feature is kept by place in this list. */
    private final int[] asked;
    /** How many nodes of a feature lie between two checkpoints. */
    private final int step;
    /** Words of all trees after the first {@link #step} nodes of a feature, after twice as many, and so on. */
    private final long[] checkpoints;

    private long listed;
    /** Where each feature's checkpoints begin. */
    private final int[] checkpointStarts;

    /**
     * @param roots of the trees to take up, in order; a negative one is left out
     * @param strict as in {@link Node#goesLeft(double, boolean)}
     */
    BitVectors(Node[] nodes, int[] roots, boolean strict) {
        this.strict = strict;
        this.untouched = new long[roots.length];
        Arrays.fill(untouched, -1L);
        TreeMap<Integer, List<Struck>> found = new TreeMap<>();
        for (int tree = 0; tree < roots.length; tree++) {
            if (roots[tree] >= 0) {
                collect(nodes, roots[tree], tree, 0, found);
            }
        }
        asked = found.keySet().stream().mapToInt(Integer::intValue).toArray();
        List<List<Struck>> byFeature = List.copyOf(found.values());
        int featureCount = asked.length;
        starts = new int[featureCount + 1];
        specials = new Special[featureCount];
        List<Struck> numeric = new ArrayList<>();
        for (int i = 0; i < featureCount; i++) {
            byFeature.get(i).stream()
                    .filter(one -> !one.node().isCategorical())
                    .sorted(Comparator.comparingDouble(one -> one.node().threshold()))
                    .forEach(numeric::add);
            starts[i + 1] = numeric.size();
            specials[i] = special(byFeature.get(i));
        }
        // Not less than a threshold is the same as more than the number before it.
        thresholds = numeric.stream()
                .mapToDouble(one -> one.node().threshold())
                .map(threshold -> strict ? Math.nextDown(threshold) : threshold)
                .toArray();
        thresholdTrees = trees(numeric);
        thresholdMasks = masks(numeric);
        step = Math.max(LEAST_STEP, roots.length / 2);
        checkpointStarts = new int[featureCount];
        int words = 0;
        for (int i = 0; i < featureCount; i++) {
            checkpointStarts[i] = words;
            words += (starts[i + 1] - starts[i]) / step * roots.length;
        }
        checkpoints = new long[words];
        for (int i = 0; i < featureCount; i++) {
            long[] now = untouched.clone();
            int at = checkpointStarts[i];
            for (int from = starts[i]; from + step <= starts[i + 1]; from += step, at += now.length) {
                strike(now, from, from + step);
                System.arraycopy(now, 0, checkpoints, at, now.length);
            }
        }
    }

    /** Gives the number of leaves below a node, whose first has that number. */
    private static int collect(Node[] nodes, int at, int tree, int first, Map<Integer, List<Struck>> found) {
        Node node = nodes[at];
        if (node.isLeaf()) {
            return 1;
        }
        int left = collect(nodes, node.left(), tree, first, found);
        int right = collect(nodes, node.right(), tree, first + left, found);
        long below = left == LEAVES ? -1L : (1L << left) - 1;
        found.computeIfAbsent(node.feature(), unused -> new ArrayList<>())
                .add(new Struck(node, tree, ~(below << first)));
        return left + right;
    }

    private Special special(List<Struck> all) {
        var feature = new Special();
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
        listCategories(feature, sets);
        return feature;
    }

    private void listCategories(Special feature, List<Struck> sets) {
        int categories = 64
                * sets.stream()
                        .mapToInt(one -> one.node().categories().length)
                        .max()
                        .orElse(0);
        long pairs = (long) categories * sets.size();
        long cost = pairs + (long) LIST * categories;
        if (pairs > MOST_LISTED || listed + cost > MOST_LISTED_OF_ALL) {
            return;
        }
        listed += cost;
        feature.categoryTrees = new int[categories][];
        feature.categoryMasks = new long[categories][];
        for (int i = 0; i < categories; i++) {
            int category = i;
            List<Struck> struck = sets.stream()
                    .filter(one -> !one.node().goesLeft(category, strict))
                    .toList();
            feature.categoryTrees[i] = trees(struck);
            feature.categoryMasks[i] = masks(struck);
        }
    }

    private static int[] trees(List<Struck> some) {
        return some.isEmpty() ? NO_TREES : some.stream().mapToInt(Struck::tree).toArray();
    }

    private static long[] masks(List<Struck> some) {
        return some.isEmpty() ? NO_MASKS : some.stream().mapToLong(Struck::mask).toArray();
    }

    /** About how many bytes it takes. */
    long bytes() {
        return 24L * thresholds.length + 8L * checkpoints.length + 200L * asked.length + 16 * listed;
    }

    /**
     * A word for each tree, of which the lowest bit is the leaf that the row falls into.
     *
     * @param reused words of an earlier row to write into; none makes new ones
     */
    long[] leaves(double[] row, long @Nullable [] reused) {
        long[] words = reused;
        if (words == null) {
            words = untouched.clone();
        } else {
            System.arraycopy(untouched, 0, words, 0, untouched.length);
        }
        for (int i = 0; i < specials.length; i++) {
            Special special = specials[i];
            double value = row[asked[i]];
            if (Double.isNaN(value)) {
                strike(words, special.missingTrees, special.missingMasks);
            } else if (special.zeroIsMissing && Node.isZero(value)) {
                strike(words, special.zeroTrees, special.zeroMasks);
            } else {
                strikeBelow(words, i, value);
                if (special.sets.length > 0) {
                    strikeSets(words, special, value);
                }
            }
        }
        return words;
    }

    /** Strikes what the nodes of a feature strike whose thresholds a value is above. */
    private void strikeBelow(long[] words, int feature, double value) {
        double[] limits = thresholds;
        int[] trees = thresholdTrees;
        long[] masks = thresholdMasks;
        int at = starts[feature];
        int end = starts[feature + 1];
        int checkpoint = checkpointStarts[feature] - words.length;
        int from = checkpoint;
        while (at + step <= end && limits[at + step - 1] < value) {
            at += step;
            from += words.length;
        }
        if (from > checkpoint) {
            strikeAll(words, from);
        }
        for (; at < end && limits[at] < value; at++) {
            words[trees[at]] &= masks[at];
        }
    }

    private void strike(long[] words, int from, int until) {
        int[] trees = thresholdTrees;
        long[] masks = thresholdMasks;
        for (int i = from; i < until; i++) {
            words[trees[i]] &= masks[i];
        }
    }

    private static void strike(long[] words, int[] trees, long[] masks) {
        for (int i = 0; i < trees.length; i++) {
            words[trees[i]] &= masks[i];
        }
    }

    /** What many nodes strike out, at once. */
    private void strikeAll(long[] words, int from) {
        long[] all = checkpoints;
        for (int i = 0; i < words.length; i++) {
            words[i] &= all[from + i];
        }
    }

    private void strikeSets(long[] words, Special special, double value) {
        if (value >= 0 && value < special.categoryTrees.length) {
            strike(words, special.categoryTrees[(int) value], special.categoryMasks[(int) value]);
            return;
        }
        for (int i = 0; i < special.sets.length; i++) {
            if (!special.sets[i].goesLeft(value, strict)) {
                words[special.setTrees[i]] &= special.setMasks[i];
            }
        }
    }
}
