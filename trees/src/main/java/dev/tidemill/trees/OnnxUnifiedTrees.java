package dev.tidemill.trees;

import dev.tidemill.trees.OnnxGraph.Attribute;
import dev.tidemill.trees.OnnxGraph.Operation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The one operation that has replaced regressor and classifier of trees since version 5 of {@code ai.onnx.ml}: its leaves are in
 * lists of their own, its nodes point to nodes or leaves by position, and its words are numbers. Told in the regressor's terms.
 */
final class OnnxUnifiedTrees {
    static final String TYPE = "TreeEnsemble";

    private static final List<String> MODES =
            List.of("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER");
    private static final List<String> AGGREGATES = List.of("AVERAGE", "SUM", "MIN", "MAX");

    private final Operation trees;
    private final long[] features;
    private final double[] splits;
    private final double[] modes;
    private final Side yes;
    private final Side no;
    private final long[] tracks;
    private final long[] leafTargets;
    private final double[] leafWeights;
    private final boolean[] taken;
    private final Rows rows = new Rows();

    /** Where nodes lead on one answer: to a leaf, or to another node. */
    private record Side(long[] leaves, long[] positions) {}

    /** A place that is yet to be written: a node, or a leaf under a number of its own. */
    private record Open(boolean leaf, int position, int id) {}

    private OnnxUnifiedTrees(Operation trees) {
        this.trees = trees;
        this.features = trees.wholes("nodes_featureids");
        this.splits = trees.numbers("nodes_splits");
        this.modes = trees.numbers("nodes_modes");
        this.yes = new Side(trees.wholes("nodes_trueleafs"), trees.wholes("nodes_truenodeids"));
        this.no = new Side(trees.wholes("nodes_falseleafs"), trees.wholes("nodes_falsenodeids"));
        this.tracks = trees.wholes("nodes_missing_value_tracks_true");
        this.leafTargets = trees.wholes("leaf_targetids");
        this.leafWeights = trees.numbers("leaf_weights");
        this.taken = new boolean[features.length];
    }

    /**
     * The same trees as a {@code TreeEnsembleRegressor}.
     *
     * @throws UnsupportedModelException if its lists do not fit each other, or a node is reached twice
     */
    static Operation asRegressor(Operation trees) {
        return new OnnxUnifiedTrees(trees).told();
    }

    private Operation told() {
        int count = features.length;
        for (int length : new int[] {
            splits.length, modes.length, yes.leaves.length, yes.positions.length, no.leaves.length, no.positions.length
        }) {
            if (length != count) {
                throw new UnsupportedModelException("its lists of nodes are not of the same length");
            }
        }
        if (tracks.length != 0 && tracks.length != count || leafTargets.length != leafWeights.length) {
            throw new UnsupportedModelException("its lists of nodes or leaves are not of the same length");
        }
        long[] roots = trees.wholes("tree_roots");
        for (int tree = 0; tree < roots.length; tree++) {
            tree(tree, new Open(false, position(roots[tree], count), position(roots[tree], count)));
        }
        Map<String, Attribute> attributes = new HashMap<>(rows.attributes());
        attributes.put("n_targets", Attribute.ofWhole("n_targets", trees.whole("n_targets", 1)));
        String aggregate = AGGREGATES.get(position(trees.whole("aggregate_function", 1), AGGREGATES.size()));
        attributes.put("aggregate_function", Attribute.ofText("aggregate_function", aggregate));
        if (trees.whole("post_transform", 0) != 0) {
            // ONNX Runtime reads 1 and 2 the other way round than ONNX's text says; what it does is for it to do.
            throw new UnsupportedModelException("it transforms its sums by a number that is read in two ways");
        }
        return new Operation(
                trees.name(), "TreeEnsembleRegressor", trees.domain(), trees.inputs(), trees.outputs(), attributes);
    }

    private static int position(long position, int count) {
        if (position < 0 || position >= count) {
            throw new UnsupportedModelException("it points to place " + position + " of " + count);
        }
        return (int) position;
    }

    /** Writes a tree's nodes, the root first. */
    private void tree(int tree, Open root) {
        Deque<Open> open = new ArrayDeque<>(List.of(root));
        while (!open.isEmpty()) {
            Open next = open.pop();
            if (next.leaf) {
                rows.leaf(tree, next.id, leafTargets[next.position], leafWeights[next.position]);
                continue;
            }
            int node = next.position;
            if (taken[node]) {
                throw new UnsupportedModelException("its node " + node + " is reached in two ways");
            }
            taken[node] = true;
            Open whenTrue = child(yes, node);
            Open whenFalse = child(no, node);
            String mode = MODES.get(position((long) modes[node], MODES.size()));
            long missing = tracks.length == 0 ? 0 : tracks[node];
            rows.node(tree, node, features[node], splits[node], mode, whenTrue.id, whenFalse.id, missing);
            open.push(whenFalse);
            open.push(whenTrue);
        }
    }

    /** A leaf is numbered by the node and the answer that lead to it, after all nodes. */
    private Open child(Side side, int node) {
        boolean leaf = side.leaves[node] != 0;
        int position = position(side.positions[node], leaf ? leafTargets.length : features.length);
        int id = leaf ? features.length + 2 * node + (side == yes ? 0 : 1) : position;
        return new Open(leaf, position, id);
    }

    /** The regressor's lists as they grow. */
    private static final class Rows {
        private final Map<String, List<Long>> wholes = new HashMap<>();
        private final Map<String, List<Double>> numbers = new HashMap<>();
        private final List<String> modes = new ArrayList<>();

        private void whole(String list, long value) {
            wholes.computeIfAbsent(list, unused -> new ArrayList<>()).add(value);
        }

        private void number(String list, double value) {
            numbers.computeIfAbsent(list, unused -> new ArrayList<>()).add(value);
        }

        private void node(
                int tree, int id, long feature, double split, String mode, int whenTrue, int whenFalse, long missing) {
            whole("nodes_treeids", tree);
            whole("nodes_nodeids", id);
            whole("nodes_featureids", feature);
            number("nodes_values", split);
            modes.add(mode);
            whole("nodes_truenodeids", whenTrue);
            whole("nodes_falsenodeids", whenFalse);
            whole("nodes_missing_value_tracks_true", missing);
        }

        private void leaf(int tree, int id, long target, double weight) {
            node(tree, id, 0, 0, "LEAF", 0, 0, 0);
            whole("target_treeids", tree);
            whole("target_nodeids", id);
            whole("target_ids", target);
            number("target_weights", weight);
        }

        private Map<String, Attribute> attributes() {
            Map<String, Attribute> attributes = new HashMap<>();
            wholes.forEach((name, list) -> attributes.put(name, Attribute.ofWholes(name, list)));
            numbers.forEach((name, list) -> attributes.put(name, Attribute.ofNumbers(name, list)));
            attributes.put("nodes_modes", Attribute.ofTexts("nodes_modes", modes));
            return attributes;
        }
    }
}
