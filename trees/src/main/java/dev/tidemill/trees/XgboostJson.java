package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads models that XGBoost wrote as JSON (its documented model schema). */
public final class XgboostJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private XgboostJson() {}

    /** A parsed model: the trees and what their sum means. */
    public record Parsed(TreeEnsemble ensemble, Objective objective) {}

    /**
     * Parses a model.
     *
     * @throws UnsupportedModelException if the text is no XGBoost model, or needs what is not supported
     */
    public static Parsed parse(byte[] json) {
        try {
            JsonNode learner = MAPPER.readTree(json).path("learner");
            if (learner.isMissingNode()) {
                throw new UnsupportedModelException("there is no 'learner' in it: not an XGBoost model");
            }
            return parse(learner);
        } catch (IOException e) {
            throw new UnsupportedModelException("the model is not JSON", e);
        }
    }

    private static Parsed parse(JsonNode learner) {
        String booster = learner.path("gradient_booster").path("name").asText();
        if (!booster.equals("gbtree")) {
            throw new UnsupportedModelException("booster '" + booster + "' is not supported; 'gbtree' is");
        }
        Objective objective =
                Objective.of(learner.path("objective").path("name").asText());
        JsonNode parameters = learner.path("learner_model_param");
        int outputs = Math.max(1, parameters.path("num_class").asInt(0));
        float[] base = new float[outputs];
        java.util.Arrays.fill(
                base,
                objective.baseMargin(baseScore(parameters.path("base_score").asText())));
        JsonNode model = learner.path("gradient_booster").path("model");
        return new Parsed(trees(model, parameters.path("num_feature").asInt(), base), objective);
    }

    /** Version 3 writes a list of one. */
    private static float baseScore(String text) {
        return Float.parseFloat(text.replace("[", "").replace("]", ""));
    }

    private static TreeEnsemble trees(JsonNode model, int features, float[] base) {
        JsonNode trees = model.path("trees");
        int count = trees.size();
        int[] roots = new int[count];
        int[] outputs = new int[count];
        List<JsonNode> parsed = new ArrayList<>();
        int nodes = 0;
        for (int i = 0; i < count; i++) {
            parsed.add(trees.get(i));
            roots[i] = nodes;
            outputs[i] = model.path("tree_info").path(i).asInt(0);
            nodes += trees.get(i).path("left_children").size();
        }
        int[] feature = new int[nodes];
        float[] threshold = new float[nodes];
        int[] left = new int[nodes];
        int[] right = new int[nodes];
        boolean[] missingLeft = new boolean[nodes];
        for (int i = 0; i < count; i++) {
            fill(parsed.get(i), roots[i], feature, threshold, left, right, missingLeft);
        }
        return new TreeEnsemble(features, base, roots, outputs, feature, threshold, left, right, missingLeft);
    }

    private static void fill(
            JsonNode tree,
            int offset,
            int[] feature,
            float[] threshold,
            int[] left,
            int[] right,
            boolean[] missingLeft) {
        JsonNode leftChildren = tree.path("left_children");
        for (int node = 0; node < leftChildren.size(); node++) {
            if (tree.path("split_type").path(node).asInt(0) != 0) {
                throw new UnsupportedModelException("categorical splits are not supported yet");
            }
            int child = leftChildren.get(node).asInt();
            boolean leaf = child < 0;
            feature[offset + node] =
                    leaf ? -1 : tree.path("split_indices").path(node).asInt();
            threshold[offset + node] =
                    (float) tree.path("split_conditions").path(node).asDouble();
            left[offset + node] = offset + child;
            right[offset + node] =
                    offset + tree.path("right_children").path(node).asInt();
            JsonNode missing = tree.path("default_left").path(node);
            missingLeft[offset + node] = missing.isBoolean() ? missing.asBoolean() : missing.asInt() != 0;
        }
    }
}
