package dev.tidemill.registry.mlflow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.PickleGlobals;
import dev.tidemill.registry.domain.PickleScan;
import java.io.IOException;
import java.math.BigInteger;
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
 *
 * <p>Where an id is met again, skops takes what it has read under it, and looks at nothing else there. So what stands under one id
 * must be the same everywhere; only the ids and the files within may be others, as an object that is written twice has them.
 */
public final class SkopsScan {
    private static final int FIRST_PROTOCOL = 1;
    private static final Set<String> CONTAINERS =
            Set.of("DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "_DictWithDeprecatedKeysNode");
    /** Kinds that make data of listed types, and call nothing that the file names. */
    private static final Set<String> DATA = Set.of(
            "JsonNode", "BytesNode", "BytearrayNode", "SliceNode", "MaskedArrayNode", "DTypeNode", "SparseMatrixNode");

    private static final Set<String> REFERENCES = Set.of("FunctionNode", "TypeNode");
    private static final Set<String> INSTANCES = Set.of("ObjectNode", "TreeNode", "LossNode", "QuantileForestNode");
    /** Modules of classes that a pickle makes with a function beside them. */
    private static final Set<String> SEARCH_TREES =
            Set.of("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree");

    private static final Set<String> BUILT_IN = Set.of("dict", "list", "set", "frozenset", "tuple");
    /** Types that are called with the text of a key, or with a number of an array, and make a plain value of it. */
    private static final Set<String> PLAIN = Set.of(
            "builtins.str",
            "builtins.int",
            "builtins.float",
            "builtins.bool",
            "numpy.bool",
            "numpy.bool_",
            "numpy.int8",
            "numpy.int16",
            "numpy.int32",
            "numpy.int64",
            "numpy.longlong",
            "numpy.uint8",
            "numpy.uint16",
            "numpy.uint32",
            "numpy.uint64",
            "numpy.ulonglong",
            "numpy.float16",
            "numpy.float32",
            "numpy.float64",
            "numpy.float128",
            "numpy.longdouble",
            "numpy.str_");
    /** What else an array is turned into: {@code NdArrayNode} calls the class that it names with the array. */
    private static final Set<String> ARRAYS = Set.of(
            "numpy.ndarray",
            "numpy.matrix",
            "numpy.bytes_",
            "numpy.void",
            "numpy.complex64",
            "numpy.complex128",
            "numpy.complex256",
            "numpy.clongdouble",
            "numpy.datetime64",
            "numpy.timedelta64");

    private final Set<String> refused = new TreeSet<>();
    /** What was read first under an id, as its digest. */
    private final Map<BigInteger, String> objects = new HashMap<>();

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

    /**
     * Judges all that is in a node.
     *
     * @return what the node is but for ids and names of files: of two nodes the same if skops makes equal objects of them. Keys count
     *     in their order, by which the types of a dictionary's keys are told.
     */
    private String walk(JsonNode node) {
        if (!node.isContainerNode()) {
            return node.toString();
        }
        boolean object = node.has("__loader__");
        var content = new StringBuilder(node.isObject() ? "{" : "[");
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            String value = walk(field.getValue());
            boolean another = object
                    && (field.getKey().equals("__id__")
                            || field.getKey().equals("file") && field.getValue().isTextual());
            if (!another) {
                content.append(TextNode.valueOf(field.getKey()))
                        .append(':')
                        .append(value)
                        .append(',');
            }
        }
        if (node.isArray()) {
            node.forEach(element -> content.append(walk(element)).append(','));
        }
        String digest = "#" + Ids.sha256(content.toString());
        if (object || node.has("__class__") || node.has("__module__") || node.has("__id__")) {
            judge(node);
            identify(node, digest);
        }
        return digest;
    }

    private void identify(JsonNode node, String digest) {
        JsonNode id = node.path("__id__");
        if (id.isMissingNode()) {
            return;
        }
        // Python takes 7 and 7.0 for one key, and 1 and true.
        if (!id.isIntegralNumber()) {
            refused.add("an object whose id is no integer");
        } else {
            String before = objects.putIfAbsent(id.bigIntegerValue(), digest);
            if (before != null && !before.equals(digest)) {
                refused.add("two objects under the id " + id);
            }
        }
    }

    private static String name(JsonNode node) {
        return node.path("__module__").asText("") + "." + node.path("__class__").asText("");
    }

    private static boolean isKind(JsonNode node, String kind) {
        return node.path("__loader__").asText("").equals(kind);
    }

    private void judge(JsonNode node) {
        if (!node.path("__loader__").isTextual()) {
            refused.add("an object that does not say what loads it");
            return;
        }
        String kind = node.path("__loader__").asText();
        String name = name(node);
        if (kind.equals("PartialNode")) {
            partial(node.path("content").path("func"));
        } else if (kind.equals("DictNode")) {
            keys(name, node.path("key_types"));
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
        } else if (kind.equals("NdArrayNode")) {
            if (!ARRAYS.contains(name) && !PLAIN.contains(name)) {
                refused.add("a call of " + global);
            }
        } else if (!DATA.contains(kind) && !REFERENCES.contains(kind) && !kind.equals("PartialNode")) {
            refused.add("a node of the kind " + kind);
        }
    }

    /** As in a pickle, of one function alone. */
    private void partial(JsonNode function) {
        if (!isKind(function, "FunctionNode") || !name(function).equals(PickleScan.CHECK_ARRAY)) {
            refused.add("a partial call of anything but " + PickleScan.CHECK_ARRAY);
        }
    }

    /** Each type is called with its key. */
    private void keys(String dictionary, JsonNode types) {
        if (!isKind(types, "ListNode") || !types.path("content").isArray()) {
            refused.add("keys of a " + dictionary + " whose types cannot be followed");
            return;
        }
        for (JsonNode type : types.path("content")) {
            if (!isKind(type, "TypeNode") || !PLAIN.contains(name(type))) {
                refused.add("a call of " + name(type) + " with a key");
            }
        }
    }

    /** As in a pickle, one that opens what callers name is refused. */
    private void vectorizer(PickleGlobals.Global vectorizer, JsonNode state) {
        JsonNode settings = state.path("content");
        boolean named = true;
        for (JsonNode type : state.path("key_types").path("content")) {
            named &= name(type).equals("builtins.str");
        }
        if (!isKind(state, "DictNode") || !settings.isObject() || !named) {
            refused.add("a state of " + vectorizer + " that cannot be followed");
            return;
        }
        JsonNode input = settings.path("input");
        boolean content = input.isMissingNode()
                || isKind(input, "JsonNode") && input.path("content").asText("").equals("\"content\"");
        if (!content) {
            refused.add(vectorizer + " with input="
                    + input.path("content").asText("?").replace("\"", "") + ", which opens what callers give");
        }
    }
}
