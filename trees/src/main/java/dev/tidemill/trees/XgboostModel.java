package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads models that XGBoost wrote as JSON or as UBJSON (its documented model schema), of boosters gbtree and dart. */
public final class XgboostModel {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    /** The set of a node without a list of categories. */
    private static final long[] ALL = {-1L};

    /** Which of the rounds of its training a model predicts with. */
    public enum Rounds {
        /** All that it holds, as the library's {@code Booster} does. */
        ALL,
        /**
         * Those up to the best, where its training stopped early and says which that was, as the library's scikit-learn interface
         * does; all of them where it does not.
         */
        UNTIL_BEST
    }

    private XgboostModel() {}

    /** Whether bytes look like what {@link #parse} reads. */
    public static boolean looksLike(byte[] content) {
        return content.length > 2 && content[0] == '{';
    }

    /**
     * Parses a model, which predicts with all of its rounds.
     *
     * @throws UnsupportedModelException if the bytes are no XGBoost model, or need what is not supported
     */
    public static BoostedTrees parse(byte[] content) {
        return parse(content, Rounds.ALL);
    }

    /**
     * Parses a model.
     *
     * @throws UnsupportedModelException if the bytes are no XGBoost model, or need what is not supported
     */
    public static BoostedTrees parse(byte[] content, Rounds rounds) {
        JsonNode learner = document(content).path("learner");
        if (learner.isMissingNode()) {
            throw new UnsupportedModelException("there is no 'learner' in it: not an XGBoost model");
        }
        Objective objective =
                Objective.of(learner.path("objective").path("name").asText());
        JsonNode parameters = learner.path("learner_model_param");
        JsonNode booster = learner.path("gradient_booster");
        String kind = booster.path("name").asText();
        boolean dart = kind.equals("dart");
        if (!dart && !kind.equals("gbtree")) {
            throw new UnsupportedModelException("booster '" + kind + "' is not supported; gbtree and dart are");
        }
        JsonNode model = dart ? booster.path("gbtree").path("model") : booster.path("model");
        var sizes = new DeclaredSizes(content.length);
        int features = sizes.features(parameters.path("num_feature").asInt());
        int most = Math.max(
                Math.max(1, parameters.path("num_class").asInt(0)),
                parameters.path("num_target").asInt(1));
        int outputs = sizes.outputs(most, model.path("trees").size());
        double[] base = base(objective, parameters.path("base_score").asText("0.5"), outputs);
        int trees = rounds == Rounds.ALL ? model.path("trees").size() : untilBest(learner, model, outputs);
        List<String> names = new ArrayList<>();
        learner.path("feature_names").forEach(name -> names.add(name.asText()));
        return new BoostedTrees(
                ensemble(
                        model,
                        trees,
                        dart ? booster.path("weight_drop") : MAPPER.createArrayNode(),
                        features,
                        base,
                        sizes),
                objective,
                names,
                XgboostCategories.of(model.path("cats"), features));
    }

    /** The second byte tells the two apart: a name begins with its length in UBJSON, with a quote in JSON. */
    private static JsonNode document(byte[] content) {
        boolean binary = content.length > 1 && content[0] == '{' && "iUIlL#$".indexOf(content[1]) >= 0;
        if (binary) {
            return Ubjson.read(content);
        }
        try {
            return MAPPER.readTree(content);
        } catch (IOException e) {
            throw new UnsupportedModelException("the model is neither JSON nor UBJSON", e);
        }
    }

    /** A number, or since version 3 a list of one for all outputs or one for each. */
    private static double[] base(Objective objective, String text, int outputs) {
        String[] scores = text.replace("[", "").replace("]", "").split(",");
        double[] base = new double[outputs];
        try {
            for (int i = 0; i < outputs; i++) {
                base[i] = objective.baseMargin(Float.parseFloat(scores[scores.length == 1 ? 0 : i]));
            }
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new UnsupportedModelException("its base score '" + text + "' is not understood", e);
        }
        return base;
    }

    /** How many trees the rounds up to the best one grew. */
    private static int untilBest(JsonNode learner, JsonNode model, int outputs) {
        int all = model.path("trees").size();
        JsonNode written = learner.path("attributes").path("best_iteration");
        if (written.isMissingNode()) {
            return all;
        }
        int best = number(written.asText());
        // Models of versions before 2.0 do not say where a round ends: each grows as many trees.
        JsonNode ends = model.path("iteration_indptr");
        int each = Math.max(
                1,
                number(model.path("gbtree_model_param")
                        .path("num_parallel_tree")
                        .asText("1")));
        long end = ends.isArray() && !ends.isEmpty() ? ends.path(best + 1).asLong(all) : (best + 1L) * outputs * each;
        if (end < 0) {
            throw new UnsupportedModelException("its round " + best + " ends with tree " + end);
        }
        return (int) Math.min(all, end);
    }

    private static int number(String text) {
        if (!text.matches("\\d{1,9}")) {
            throw new UnsupportedModelException("'" + text + "' in it is no number of trees or rounds");
        }
        return Integer.parseInt(text);
    }

    private static TreeEnsemble ensemble(
            JsonNode model, int count, JsonNode weights, int features, double[] base, DeclaredSizes sizes) {
        JsonNode trees = model.path("trees");
        int[] roots = new int[count];
        int[] outputs = new int[count];
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            roots[i] = nodes.size();
            outputs[i] = model.path("tree_info").path(i).asInt(0);
            if (outputs[i] < 0 || outputs[i] >= base.length) {
                throw new UnsupportedModelException("tree " + i + " adds to output " + outputs[i]);
            }
            float weight = weights.isEmpty() ? 1 : (float) weights.path(i).asDouble(1);
            nodes(trees.get(i), weight, nodes, sizes);
        }
        return new TreeEnsemble(
                features, base, nodes.toArray(Node[]::new), roots, outputs, TreeEnsemble.Arithmetic.XGBOOST);
    }

    private static void nodes(JsonNode tree, float weight, List<Node> nodes, DeclaredSizes sizes) {
        if (tree.path("tree_param").path("size_leaf_vector").asInt(1) > 1) {
            throw new UnsupportedModelException("trees whose leaves hold several values are not supported");
        }
        int offset = nodes.size();
        long[][] sets = sets(tree, sizes);
        JsonNode leftChildren = tree.path("left_children");
        for (int i = 0; i < leftChildren.size(); i++) {
            int left = leftChildren.get(i).asInt();
            float condition = (float) tree.path("split_conditions").path(i).asDouble();
            if (left < 0) {
                nodes.add(Node.leaf(weight * condition));
                continue;
            }
            int right = offset + tree.path("right_children").path(i).asInt();
            int feature = tree.path("split_indices").path(i).asInt();
            JsonNode missing = tree.path("default_left").path(i);
            boolean missingLeft = missing.isBoolean() ? missing.asBoolean() : missing.asInt() != 0;
            if (tree.path("split_type").path(i).asInt(0) == 0) {
                nodes.add(Node.numeric(feature, condition, offset + left, right, Node.Missing.NAN, missingLeft));
            } else {
                nodes.add(new Node(
                        feature,
                        condition,
                        offset + left,
                        right,
                        Node.Missing.NAN,
                        missingLeft,
                        sets[i],
                        Node.Strangers.LEFT));
            }
        }
    }

    /** For each categorical node the categories that go left: those that are not in its list, which go right. */
    private static long[][] sets(JsonNode tree, DeclaredSizes sizes) {
        long[][] sets = new long[tree.path("left_children").size()][];
        JsonNode nodes = tree.path("categories_nodes");
        for (int i = 0; i < nodes.size(); i++) {
            int node = nodes.get(i).asInt();
            if (node < 0 || node >= sets.length || sets[node] != null) {
                throw new UnsupportedModelException("its node " + node + " of categories is not there, or there twice");
            }
            int[] categories = categories(tree, i, sizes);
            int words = Arrays.stream(categories).max().orElse(0) / 64 + 1;
            sizes.keep(words);
            long[] goesLeft = new long[words];
            Arrays.fill(goesLeft, -1L);
            for (int category : categories) {
                goesLeft[category / 64] &= ~(1L << category % 64);
            }
            sets[node] = goesLeft;
        }
        for (int i = 0; i < sets.length; i++) {
            if (sets[i] == null) {
                sets[i] = ALL;
            }
        }
        return sets;
    }

    /** The categories in the list of a tree's categorical node of that place. */
    private static int[] categories(JsonNode tree, int place, DeclaredSizes sizes) {
        JsonNode all = tree.path("categories");
        long from = tree.path("categories_segments").path(place).asLong();
        long count = tree.path("categories_sizes").path(place).asLong();
        if (from < 0 || count < 0 || from > all.size() || count > all.size() - from) {
            throw new UnsupportedModelException("its categories " + from + " to " + (from + count) + " are not there");
        }
        sizes.keep(count);
        int[] categories = new int[(int) count];
        for (int i = 0; i < categories.length; i++) {
            categories[i] = sizes.category(all.get((int) from + i).asLong());
        }
        return categories;
    }
}
