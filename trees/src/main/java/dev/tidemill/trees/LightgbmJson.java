package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Reads models that LightGBM dumped as JSON ({@code Booster.dump_model}). */
public final class LightgbmJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int BEGINNING = 64 * 1024;
    private static final int DEEPEST = 4_000;

    private LightgbmJson() {}

    /** Whether bytes look like what {@link #parse} reads. */
    public static boolean looksLike(byte[] content) {
        String beginning = new String(content, 0, Math.min(BEGINNING, content.length), StandardCharsets.UTF_8);
        return beginning.startsWith("{") && beginning.contains("\"num_tree_per_iteration\"");
    }

    /**
     * Parses a model.
     *
     * @throws UnsupportedModelException if the bytes are no dump of a LightGBM model, or need what is not supported
     */
    public static BoostedTrees parse(byte[] content) {
        JsonNode document;
        try {
            document = MAPPER.readTree(content);
        } catch (IOException e) {
            throw new UnsupportedModelException("the model is no JSON", e);
        }
        JsonNode trees = document.path("tree_info");
        if (!trees.isArray()) {
            throw new UnsupportedModelException("it is no dump of a LightGBM model");
        }
        var sizes = new DeclaredSizes(content.length);
        int features = sizes.namedFeatures(1L + document.path("max_feature_idx").asInt(-1));
        int outputs = sizes.outputs(document.path("num_tree_per_iteration").asInt(1), trees.size());
        List<Node> nodes = new ArrayList<>();
        int[] roots = new int[trees.size()];
        int[] treeOutputs = new int[trees.size()];
        for (int i = 0; i < roots.length; i++) {
            roots[i] = node(trees.path(i).path("tree_structure"), nodes, sizes, 0);
            treeOutputs[i] = i % outputs;
        }
        boolean averages = document.path("average_output").asBoolean();
        List<String> names = new ArrayList<>();
        document.path("feature_names").forEach(name -> names.add(name.asText()));
        return new BoostedTrees(
                new TreeEnsemble(
                        features,
                        new double[outputs],
                        nodes.toArray(Node[]::new),
                        roots,
                        treeOutputs,
                        TreeEnsemble.Arithmetic.LIGHTGBM),
                new LightgbmObjective(
                        document.path("objective").asText(""),
                        averages ? Math.max(1, roots.length / (double) outputs) : 1),
                names.size() == features ? names : List.of(),
                LightgbmCategories.of(
                        document.path("pandas_categorical"),
                        categorical(document.path("feature_infos"), names),
                        features));
    }

    /** Appends what stands below; gives the place of its top. */
    private static int node(JsonNode json, List<Node> nodes, DeclaredSizes sizes, int depth) {
        if (json.has("leaf_coeff")) {
            throw new UnsupportedModelException("trees with linear leaves are not supported");
        }
        if (depth > DEEPEST || !json.has("leaf_value") && !json.has("split_feature")) {
            throw new UnsupportedModelException("a tree's nodes do not form a tree");
        }
        int at = nodes.size();
        if (!json.has("split_feature")) {
            nodes.add(Node.leaf(json.path("leaf_value").asDouble()));
            return at;
        }
        nodes.add(Node.leaf(0));
        int left = node(json.path("left_child"), nodes, sizes, depth + 1);
        int right = node(json.path("right_child"), nodes, sizes, depth + 1);
        int feature = json.path("split_feature").asInt();
        if (feature < 0) {
            throw new UnsupportedModelException("a node asks for input " + feature);
        }
        nodes.set(
                at,
                switch (json.path("decision_type").asText()) {
                    case "<=" ->
                        Node.numeric(
                                feature,
                                json.path("threshold").asDouble(),
                                left,
                                right,
                                missing(json.path("missing_type").asText()),
                                json.path("default_left").asBoolean());
                    case "==" ->
                        new Node(
                                feature,
                                0,
                                left,
                                right,
                                Node.Missing.NAN,
                                false,
                                bits(json.path("threshold").asText(), sizes),
                                Node.Strangers.RIGHT);
                    default ->
                        throw new UnsupportedModelException(
                                "decision type '" + json.path("decision_type").asText() + "' is not supported");
                });
        return at;
    }

    private static Node.Missing missing(String type) {
        return switch (type) {
            case "None" -> Node.Missing.NEVER;
            case "Zero" -> Node.Missing.ZERO_OR_NAN;
            default -> Node.Missing.NAN;
        };
    }

    /** Categories such as {@code 1||3||70} as a set of bits. */
    private static long[] bits(String categories, DeclaredSizes sizes) {
        int[] numbers = Arrays.stream(categories.split("\\|\\|"))
                .mapToInt(category -> category(category, sizes))
                .toArray();
        int words = Arrays.stream(numbers).max().orElse(0) / 64 + 1;
        sizes.keep(words);
        long[] bits = new long[words];
        for (int number : numbers) {
            bits[number / 64] |= 1L << number % 64;
        }
        return bits;
    }

    private static int category(String text, DeclaredSizes sizes) {
        try {
            return sizes.category(Long.parseLong(text));
        } catch (NumberFormatException e) {
            throw new UnsupportedModelException("'" + text + "' is no category", e);
        }
    }

    /** The columns whose info lists values rather than a range. */
    private static List<LightgbmCategories.Column> categorical(JsonNode infos, List<String> names) {
        List<LightgbmCategories.Column> columns = new ArrayList<>();
        for (Map.Entry<String, JsonNode> info : infos.properties()) {
            int column = names.indexOf(info.getKey());
            if (column >= 0 && !info.getValue().path("values").isEmpty()) {
                int highest = -1;
                for (JsonNode code : info.getValue().path("values")) {
                    highest = Math.max(highest, code.asInt());
                }
                columns.add(new LightgbmCategories.Column(column, highest));
            }
        }
        columns.sort(Comparator.comparingInt(LightgbmCategories.Column::index));
        return columns;
    }
}
