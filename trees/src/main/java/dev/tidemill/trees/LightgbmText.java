package dev.tidemill.trees;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads models that LightGBM wrote as text, version 3 and 4 of its format. */
public final class LightgbmText {
    private static final String CATEGORIES = "pandas_categorical:";
    private static final String CATEGORICAL = "[categorical_feature:";

    private LightgbmText() {}

    /** Whether bytes look like what {@link #parse} reads. */
    public static boolean looksLike(byte[] content) {
        return new String(content, 0, Math.min(5, content.length), StandardCharsets.ISO_8859_1).startsWith("tree");
    }

    /**
     * Parses a model.
     *
     * @throws UnsupportedModelException if the text is no LightGBM model, is damaged, or needs what is not supported
     */
    public static BoostedTrees parse(byte[] text) {
        if (!looksLike(text)) {
            throw new UnsupportedModelException("it does not begin with 'tree': not a LightGBM model");
        }
        Map<String, String> head = new HashMap<>();
        List<Map<String, String>> trees = new ArrayList<>();
        Map<String, String> now = head;
        String categories = "";
        String told = "";
        boolean ended = false;
        for (String line : new String(text, StandardCharsets.UTF_8).split("\n", -1)) {
            String stripped = line.strip();
            if (stripped.startsWith(CATEGORIES)) {
                categories = stripped.substring(CATEGORIES.length());
            } else if (ended && stripped.startsWith(CATEGORICAL) && stripped.endsWith("]")) {
                told = stripped.substring(CATEGORICAL.length(), stripped.length() - 1)
                        .strip();
            } else if (stripped.equals("end of trees")) {
                ended = true;
            } else if (!ended && stripped.startsWith("Tree=")) {
                now = new HashMap<>();
                trees.add(now);
            } else if (!ended) {
                int equals = stripped.indexOf('=');
                now.put(equals < 0 ? stripped : stripped.substring(0, equals), stripped.substring(equals + 1));
            }
        }
        if (!ended) {
            throw new UnsupportedModelException("the model's text ends before 'end of trees'");
        }
        try {
            return boosted(head, trees, categories, told, new DeclaredSizes(text.length));
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new UnsupportedModelException("the model's text is damaged: " + e.getMessage(), e);
        }
    }

    private static BoostedTrees boosted(
            Map<String, String> head,
            List<Map<String, String>> trees,
            String categories,
            String told,
            DeclaredSizes sizes) {
        int features = sizes.namedFeatures(1L + Integer.parseInt(head.getOrDefault("max_feature_idx", "-1")));
        int outputs = sizes.outputs(Integer.parseInt(head.getOrDefault("num_tree_per_iteration", "1")), trees.size());
        List<Node> nodes = new ArrayList<>();
        int[] roots = new int[trees.size()];
        int[] treeOutputs = new int[trees.size()];
        for (int i = 0; i < trees.size(); i++) {
            roots[i] = nodes.size();
            treeOutputs[i] = i % outputs;
            nodes(trees.get(i), nodes);
        }
        double divisor = head.containsKey("average_output") ? Math.max(1, trees.size() / (double) outputs) : 1;
        List<String> names =
                Arrays.asList(head.getOrDefault("feature_names", "").split(" "));
        return new BoostedTrees(
                new TreeEnsemble(
                        features,
                        new double[outputs],
                        nodes.toArray(Node[]::new),
                        roots,
                        treeOutputs,
                        TreeEnsemble.Arithmetic.LIGHTGBM),
                new LightgbmObjective(head.getOrDefault("objective", ""), divisor),
                names.size() == features ? names : List.of(),
                LightgbmCategories.of(categories, told, head.getOrDefault("feature_infos", ""), features));
    }

    /** Inner nodes first, then leaves; a negative child is the bitwise complement of a leaf's number. */
    private static void nodes(Map<String, String> tree, List<Node> nodes) {
        if (!tree.getOrDefault("is_linear", "0").equals("0")) {
            throw new UnsupportedModelException("trees with linear leaves are not supported");
        }
        int leaves = Integer.parseInt(tree.getOrDefault("num_leaves", "0"));
        double[] leafValues = doubles(tree, "leaf_value");
        if (leaves < 1 || leafValues.length != leaves) {
            throw new UnsupportedModelException(
                    "a tree says it has " + leaves + " leaves, and has " + leafValues.length);
        }
        int inner = leaves - 1;
        int offset = nodes.size();
        if (inner > 0) {
            int[] feature = ints(tree, "split_feature");
            double[] threshold = doubles(tree, "threshold");
            int[] decision = ints(tree, "decision_type");
            int[] left = ints(tree, "left_child");
            int[] right = ints(tree, "right_child");
            long[][] sets = sets(ints(tree, "cat_boundaries"), longs(tree, "cat_threshold"));
            for (int i = 0; i < inner; i++) {
                int leftAt = offset + (left[i] >= 0 ? left[i] : inner + ~left[i]);
                int rightAt = offset + (right[i] >= 0 ? right[i] : inner + ~right[i]);
                if ((decision[i] & 1) != 0) {
                    long[] bits = sets[(int) threshold[i]];
                    nodes.add(new Node(
                            feature[i],
                            threshold[i],
                            leftAt,
                            rightAt,
                            Node.Missing.NAN,
                            false,
                            bits,
                            Node.Strangers.RIGHT));
                } else {
                    boolean missingLeft = (decision[i] & 2) != 0;
                    Node.Missing missing = Node.Missing.values()[Math.min(2, decision[i] >> 2 & 3)];
                    nodes.add(Node.numeric(feature[i], threshold[i], leftAt, rightAt, missing, missingLeft));
                }
            }
        }
        for (double value : leafValues) {
            nodes.add(Node.leaf(value));
        }
    }

    /** Each set of categories: they lie end to end. */
    private static long[][] sets(int[] boundaries, long[] words) {
        long[][] sets = new long[Math.max(0, boundaries.length - 1)][];
        for (int i = 0; i < sets.length; i++) {
            int from = boundaries[i];
            int to = boundaries[i + 1];
            if (from < 0 || to < from || to > words.length) {
                throw new UnsupportedModelException("a tree says that words " + from + " to " + to
                        + " are a set of categories, and has " + words.length);
            }
            sets[i] = bits(words, from, to);
        }
        return sets;
    }

    /** Words of 32 bits as words of 64. */
    private static long[] bits(long[] words, int from, int to) {
        long[] bits = new long[Math.max(1, (to - from + 1) / 2)];
        for (int i = from; i < to; i++) {
            bits[(i - from) / 2] |= (words[i] & 0xffffffffL) << 32 * ((i - from) % 2);
        }
        return bits;
    }

    /** C++ writes what is not finite in its own words. */
    private static double number(String text) {
        return switch (text) {
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            case "nan", "-nan" -> Double.NaN;
            default -> Double.parseDouble(text);
        };
    }

    private static String[] words(Map<String, String> tree, String key) {
        String text = tree.getOrDefault(key, "");
        return text.isBlank() ? new String[0] : text.strip().split("\\s+");
    }

    private static int[] ints(Map<String, String> tree, String key) {
        return Arrays.stream(words(tree, key)).mapToInt(Integer::parseInt).toArray();
    }

    private static long[] longs(Map<String, String> tree, String key) {
        return Arrays.stream(words(tree, key)).mapToLong(Long::parseLong).toArray();
    }

    private static double[] doubles(Map<String, String> tree, String key) {
        return Arrays.stream(words(tree, key)).mapToDouble(LightgbmText::number).toArray();
    }
}
