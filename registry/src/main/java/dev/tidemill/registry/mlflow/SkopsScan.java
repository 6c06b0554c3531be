package dev.tidemill.registry.mlflow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.PickleGlobals;
import dev.tidemill.registry.domain.PickleScan;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads the schema of a skops file, which says what is rebuilt: a tree of nodes, each with the kind that loads it and the name of a
 * class or function. The names and their uses are judged by the list that pickles are judged by, and so are partial calls and text
 * vectorizers. Kinds that are not known, and those that take attributes or operators by name, are refused.
 */
public final class SkopsScan {
    private static final int FIRST_PROTOCOL = 1;
    private static final Set<String> CONTAINERS =
            Set.of("DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "_DictWithDeprecatedKeysNode");
    /** Kinds that make data of listed types, and call nothing that the file names. */
    private static final Set<String> DATA = Set.of(
            "JsonNode",
            "BytesNode",
            "BytearrayNode",
            "SliceNode",
            "NdArrayNode",
            "MaskedArrayNode",
            "DTypeNode",
            "RandomStateNode",
            "RandomGeneratorNode",
            "SparseMatrixNode",
            "CachedNode");

    private static final Set<String> REFERENCES = Set.of("FunctionNode", "TypeNode");
    private static final Set<String> INSTANCES = Set.of("ObjectNode", "TreeNode", "LossNode", "QuantileForestNode");
    /** Modules of classes that a pickle makes with a function beside them. */
    private static final Set<String> SEARCH_TREES =
            Set.of("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree");

    private static final Set<String> BUILT_IN = Set.of("dict", "list", "set", "frozenset", "tuple");

    private final Set<String> refused = new TreeSet<>();
    /** What stands for an object that is met again. */
    private final Map<String, String> kinds = new HashMap<>();

    private SkopsScan() {}

    /** Scans {@code schema.json}. */
    public static PickleScan.Found scan(byte[] schema) {
        JsonNode tree;
        try {
            tree = Json.objectMapper()
                    .reader()
                    .with(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
                    .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(schema);
        } catch (JsonProcessingException e) {
            return new PickleScan.Found(Verdict.UNREADABLE, List.of("cannot be read: its schema is not JSON"));
        } catch (IOException e) {
            return new PickleScan.Found(Verdict.UNREADABLE, List.of("cannot be read: " + e.getMessage()));
        }
        if (!tree.path("protocol").isInt() || tree.path("protocol").asInt() < FIRST_PROTOCOL) {
            return new PickleScan.Found(
                    Verdict.UNREADABLE,
                    List.of("cannot be read: its protocol is " + tree.path("protocol") + ", not " + FIRST_PROTOCOL
                            + " or later"));
        }
        var scan = new SkopsScan();
        scan.walk(tree);
        return new PickleScan.Found(
                scan.refused.isEmpty() ? Verdict.ALLOWED : Verdict.REFUSED, List.copyOf(scan.refused));
    }

    /** Whether a class, by its full name, is on the list that pickles are judged by. */
    public static boolean isListed(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0
                && PickleGlobals.find(name.substring(0, dot), name.substring(dot + 1))
                        .isPresent();
    }

    private void walk(JsonNode node) {
        if (node.has("__loader__") || node.has("__class__") || node.has("__module__")) {
            judge(node);
        }
        node.forEach(this::walk);
    }

    private void judge(JsonNode node) {
        String kind =
                node.path("__loader__").isTextual() ? node.path("__loader__").asText() : "?";
        String name = node.path("__module__").asText("") + "."
                + node.path("__class__").asText("");
        String id = node.path("__id__").asText("");
        String before = id.isEmpty() ? null : kinds.putIfAbsent(id, kind + " " + name);
        if (before != null && !before.equals(kind + " " + name)) {
            refused.add("two objects under the id " + id);
        }
        if (kind.equals("PartialNode")) {
            partial(node.path("content").path("func"));
        }
        Optional<PickleGlobals.Global> listed = PickleGlobals.find(
                node.path("__module__").asText(""), node.path("__class__").asText(""));
        if (listed.isEmpty()) {
            refused.add(name);
            return;
        }
        PickleGlobals.Global global = listed.get();
        if (CONTAINERS.contains(kind) || kind.equals("ConstructorFromReduceNode")) {
            boolean plain = global.module().equals("builtins") && BUILT_IN.contains(global.name());
            if (!global.called() && !(plain && CONTAINERS.contains(kind))) {
                refused.add("a call of " + global);
            }
        } else if (INSTANCES.contains(kind)) {
            if (!global.made() && !global.called() && !SEARCH_TREES.contains(global.module())) {
                refused.add("an instance of " + global);
            }
            if (PickleScan.TEXT_VECTORIZERS.contains(name)) {
                vectorizer(global, node.path("content"));
            }
        } else if (!DATA.contains(kind) && !REFERENCES.contains(kind) && !kind.equals("PartialNode")) {
            refused.add("a node of the kind " + kind);
        }
    }

    /** As in a pickle, of one function alone. */
    private void partial(JsonNode function) {
        String name = function.path("__module__").asText("") + "."
                + function.path("__class__").asText("");
        if (!function.path("__loader__").asText("").equals("FunctionNode") || !name.equals(PickleScan.CHECK_ARRAY)) {
            refused.add("a partial call of anything but " + PickleScan.CHECK_ARRAY);
        }
    }

    /** As in a pickle, one that opens what callers name is refused. */
    private void vectorizer(PickleGlobals.Global vectorizer, JsonNode state) {
        JsonNode settings = state.path("content");
        if (!state.path("__loader__").asText("").equals("DictNode") || !settings.isObject()) {
            refused.add("a state of " + vectorizer + " that cannot be followed");
            return;
        }
        JsonNode input = settings.path("input");
        boolean content = input.isMissingNode()
                || input.path("__loader__").asText("").equals("JsonNode")
                        && input.path("content").asText("").equals("\"content\"");
        if (!content) {
            refused.add(vectorizer + " with input="
                    + input.path("content").asText("?").replace("\"", "") + ", which opens what callers give");
        }
    }
}
