package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Whether the lists of a {@code TreeEnsemble} fit each other: ONNX Runtime follows its places without a look, and ends the process where
 * there is none (seen with 1.29).
 */
final class GraphTrees {
    private static final String TREES = "TreeEnsemble";

    private final Node node;

    private GraphTrees(Node node) {
        this.node = node;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} with the list that does not fit */
    static void check(Node node) throws IOException {
        if (node.type().equals(TREES)) {
            new GraphTrees(node).check();
        }
    }

    private void check() throws IOException {
        int nodes = wholes("nodes_featureids").length;
        for (String name : List.of("nodes_truenodeids", "nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs")) {
            requireSize(name, wholes(name).length, nodes);
        }
        requireSize("nodes_splits", tensor("nodes_splits"), nodes);
        requireSize("nodes_modes", tensor("nodes_modes"), nodes);
        if (node.attribute("nodes_hitrates").isPresent()) {
            requireSize("nodes_hitrates", tensor("nodes_hitrates"), nodes);
        }
        if (node.attribute("nodes_missing_value_tracks_true").isPresent()) {
            requireSize("nodes_missing_value_tracks_true", wholes("nodes_missing_value_tracks_true").length, nodes);
        }
        int leaves = wholes("leaf_targetids").length;
        requireSize("leaf_weights", tensor("leaf_weights"), leaves);
        requireBelow("tree_roots", wholes("tree_roots"), nodes);
        requireBelow("nodes_featureids", wholes("nodes_featureids"), Integer.MAX_VALUE);
        requireBelow(
                "leaf_targetids",
                wholes("leaf_targetids"),
                node.attribute("n_targets").map(Attribute::whole).orElse(0L));
        branches("nodes_truenodeids", "nodes_trueleafs", nodes, leaves);
        branches("nodes_falsenodeids", "nodes_falseleafs", nodes, leaves);
    }

    private void branches(String name, String leafs, int nodes, int leaves) {
        long[] places = wholes(name);
        long[] leaf = wholes(leafs);
        for (int i = 0; i < places.length; i++) {
            requireBelow(name, new long[] {places[i]}, leaf[i] != 0 ? leaves : nodes);
        }
    }

    private long[] wholes(String name) {
        return node.attribute(name).map(Attribute::wholes).orElseGet(() -> new long[0]);
    }

    /** How many values a tensor says it has. */
    private long tensor(String name) throws IOException {
        Optional<Attribute> given = node.attribute(name);
        return given.isPresent() && given.get().tensors().size() == 1
                ? Held.values(given.get().tensors().getFirst())
                : 0;
    }

    private void requireSize(String name, long size, long wanted) {
        if (size != wanted) {
            throw refusal(name + " has " + size + " values where " + wanted + " belong");
        }
    }

    private void requireBelow(String name, long[] places, long most) {
        for (long place : places) {
            if (place < 0 || place >= most) {
                throw refusal(name + " has " + place + ", which is no place from 0 to " + (most - 1));
            }
        }
    }

    private TidemillException refusal(String what) {
        return TidemillException.invalid("model", "the trees of its node " + node.label() + " do not fit: " + what);
    }
}
