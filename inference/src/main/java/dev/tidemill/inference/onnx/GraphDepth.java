package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Refuses a model before it is loaded that ONNX Runtime would follow too deep, which ends the process as its stack overflows: functions
 * that call functions, graphs within graphs, and trees. Graphs are taken where they are written alone: not as what a function is given.
 * Graphs that are nested in messages alone are bounded by {@link GraphMemory},
 * which is asked first.
 */
final class GraphDepth {
    /** Most functions and graphs within each other. */
    static final int DEEPEST = 100;
    /** Most branches of a tree from its root to a leaf. */
    static final int DEEPEST_TREE = 1_000;
    /** Most nodes of a model with functions once each call is replaced by what it calls. */
    static final long MOST_NODES = 200_000;

    private static final Set<String> OWN_DOMAINS = Set.of("", "ai.onnx.ml", "com.microsoft");

    /** What a list of nodes comes to. */
    private record Extent(int depth, long nodes) {
        Extent with(Extent other) {
            return new Extent(Math.max(depth, other.depth), Math.min(MOST_NODES + 1, nodes + other.nodes));
        }
    }

    private final Map<String, List<ByteString>> functions = new HashMap<>();
    private final Map<String, Extent> known = new HashMap<>();

    private GraphDepth() {}

    /** @throws TidemillException {@code INVALID_ARGUMENT} with what is too deep, or has no end */
    static void check(byte[] model) {
        try {
            new GraphDepth().model(UnsafeByteOperations.unsafeWrap(model));
        } catch (IOException e) {
            throw TidemillException.invalid("model", "it is no ONNX model: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private void model(ByteString model) throws IOException {
        for (ByteString function : parts(model, 25)) {
            withoutGraphs(function);
            functions
                    .computeIfAbsent(name(function), unused -> new ArrayList<>())
                    .addAll(parts(function, 7));
        }
        for (String function : functions.keySet()) {
            call(function, 0);
        }
        Extent whole = new Extent(0, 0);
        for (ByteString graph : parts(model, 7)) {
            whole = whole.with(nodes(parts(graph, 1), 0));
        }
        if (!functions.isEmpty() && whole.nodes() > MOST_NODES) {
            throw TidemillException.invalid(
                    "model",
                    "its functions come to more than " + MOST_NODES + " nodes once each call is replaced by what it"
                            + " calls");
        }
    }

    private static List<ByteString> parts(ByteString message, int field) throws IOException {
        List<ByteString> parts = new ArrayList<>();
        CodedInputStream in = message.newCodedInput();
        in.enableAliasing(true);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == field) {
                parts.add(in.readBytes());
            } else {
                in.skipField(tag);
            }
        }
        return parts;
    }

    private static String name(ByteString function) throws IOException {
        List<ByteString> names = parts(function, 1);
        List<ByteString> domains = parts(function, 10);
        String name = names.isEmpty() ? "" : names.getLast().toStringUtf8();
        String domain = domains.isEmpty() ? "" : domains.getLast().toStringUtf8();
        if (OWN_DOMAINS.contains(GraphPart.plain(domain))) {
            throw TidemillException.invalid(
                    "model",
                    "its function '" + name + "' takes the name of an operator of ONNX; give it its own domain");
        }
        return domain + ":" + name;
    }

    /** @param above functions and graphs around the call */
    private Extent call(String function, int above) throws IOException {
        Extent extent = known.get(function);
        if (extent == null) {
            bound(above);
            extent = nodes(functions.getOrDefault(function, List.of()), above);
            known.put(function, extent);
        }
        bound(above + extent.depth());
        return extent;
    }

    private static void bound(int depth) {
        if (depth > DEEPEST) {
            throw TidemillException.invalid(
                    "model",
                    "its functions and graphs are nested more than " + DEEPEST + " deep, or within themselves");
        }
    }

    /** How deep the nodes of one level go below it, and how many they are. */
    private Extent nodes(List<ByteString> messages, int above) throws IOException {
        Extent whole = new Extent(0, 0);
        for (ByteString message : messages) {
            Node node = Node.of(message);
            unambiguous(node);
            if (node.type().startsWith("TreeEnsemble")) {
                tree(node);
            }
            String called = node.domain() + ":" + node.type();
            whole = whole.with(new Extent(0, 1));
            if (functions.containsKey(called)) {
                if (node.attributes().stream().anyMatch(Attribute::isGraph)) {
                    throw givenGraph("its node " + node.label() + " gives a graph to a function");
                }
                Extent inner = call(called, above + 1);
                whole = whole.with(new Extent(inner.depth() + 1, inner.nodes()));
            }
            for (Attribute attribute : node.attributes()) {
                if (attribute.reference() && attribute.isGraph()) {
                    throw givenGraph("its node " + node.label() + " is given a graph by whoever calls its function");
                }
                for (ByteString graph : attribute.graphs()) {
                    bound(above + 1);
                    Extent inner = nodes(parts(graph, 1), above + 1);
                    whole = whole.with(new Extent(inner.depth() + 1, inner.nodes()));
                }
            }
        }
        return whole;
    }

    /** A graph that becomes a part of a function's body where it is called is found neither in that body nor by its names. */
    private static void withoutGraphs(ByteString function) throws IOException {
        for (ByteString part : parts(function, 11)) {
            Attribute attribute = Attribute.of(part);
            if (attribute.isGraph()) {
                throw givenGraph("its function '" + name(function) + "' has a graph as its attribute '"
                        + attribute.name() + "'");
            }
        }
    }

    private static TidemillException givenGraph(String what) {
        return TidemillException.invalid(
                "model", what + "; write the graph into the body of the function, where it can be followed");
    }

    private static void unambiguous(Node node) {
        Set<String> names = new HashSet<>();
        for (Attribute attribute : node.attributes()) {
            if (!names.add(attribute.name())) {
                throw TidemillException.invalid(
                        "model", "its node " + node.label() + " has the attribute '" + attribute.name() + "' twice");
            }
        }
    }

    private static void tree(Node node) {
        if (node.attributes().stream().anyMatch(Attribute::reference)) {
            throw TidemillException.invalid(
                    "model", "its node " + node.label() + " is given its trees by whoever calls its function");
        }
        if (new TreeShape(node).depth() > DEEPEST_TREE) {
            throw TidemillException.invalid(
                    "model",
                    "a tree of its node " + node.label() + " is more than " + DEEPEST_TREE
                            + " branches deep, or within itself");
        }
    }

    /** The branches of an ensemble. */
    private static final class TreeShape {
        /** A node by its tree and its number in it. */
        private record Place(long tree, long number) {}

        private static final int NONE = -1;

        /** For each place in the ensemble's lists the places of the two nodes below it. */
        private final int[][] below;

        TreeShape(Node node) {
            long[] left = wholes(node, "nodes_truenodeids");
            long[] right = wholes(node, "nodes_falsenodeids");
            this.below = node.type().equals("TreeEnsemble")
                    ? new int[][] {
                        branches(left, wholes(node, "nodes_trueleafs")),
                        branches(right, wholes(node, "nodes_falseleafs"))
                    }
                    : numbered(node, left, right);
        }

        private static long[] wholes(Node node, String attribute) {
            return node.attribute(attribute).map(Attribute::wholes).orElseGet(() -> new long[0]);
        }

        /** The branches are places, but for those that are places of leaves. */
        private static int[] branches(long[] side, long[] leaves) {
            int[] places = new int[side.length];
            for (int i = 0; i < side.length; i++) {
                boolean leaf = i < leaves.length && leaves[i] != 0;
                places[i] = leaf || side[i] < 0 || side[i] >= side.length ? NONE : (int) side[i];
            }
            return places;
        }

        /** The branches are numbers of nodes of the same tree. */
        private static int[][] numbered(Node node, long[] left, long[] right) {
            long[] trees = wholes(node, "nodes_treeids");
            long[] numbers = wholes(node, "nodes_nodeids");
            List<String> modes =
                    node.attribute("nodes_modes").map(Attribute::texts).orElse(List.of());
            int count = Math.min(trees.length, numbers.length);
            Map<Place, Integer> places = new HashMap<>();
            for (int i = 0; i < count; i++) {
                places.put(new Place(trees[i], numbers[i]), i);
            }
            int[][] below = new int[2][count];
            for (int i = 0; i < count; i++) {
                boolean leaf = i < modes.size() && modes.get(i).equals("LEAF");
                for (int side = 0; side < 2; side++) {
                    long[] next = side == 0 ? left : right;
                    below[side][i] =
                            leaf || i >= next.length ? NONE : places.getOrDefault(new Place(trees[i], next[i]), NONE);
                }
            }
            return below;
        }

        private int below(int at, int side) {
            return at < below[side].length ? below[side][at] : NONE;
        }

        /** The longest way down; more than the deepest that is taken if it goes in a circle. */
        int depth() {
            int count = Math.max(below[0].length, below[1].length);
            int[] depths = new int[count];
            byte[] seen = new byte[count];
            boolean[] open = new boolean[count];
            int[] path = new int[DEEPEST_TREE + 2];
            int deepest = 0;
            for (int root = 0; root < count; root++) {
                int length = 0;
                if (seen[root] == 0) {
                    path[length++] = root;
                    open[root] = true;
                }
                while (length > 0) {
                    int at = path[length - 1];
                    if (seen[at] == 2) {
                        open[at] = false;
                        length--;
                        deepest = Math.max(deepest, depths[at]);
                        if (length > 0) {
                            int parent = path[length - 1];
                            depths[parent] = Math.max(depths[parent], depths[at] + 1);
                        }
                        continue;
                    }
                    int child = below(at, seen[at]++);
                    if (child == NONE) {
                        continue;
                    }
                    if (open[child] || length > DEEPEST_TREE) {
                        return DEEPEST_TREE + 1;
                    }
                    if (seen[child] == 0) {
                        path[length++] = child;
                        open[child] = true;
                    } else {
                        depths[at] = Math.max(depths[at], depths[child] + 1);
                    }
                }
            }
            return deepest;
        }
    }
}
