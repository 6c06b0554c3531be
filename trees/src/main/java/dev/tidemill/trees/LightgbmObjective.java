package dev.tidemill.trees;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** What a LightGBM model was trained for, as its {@code objective} line says: a name and settings such as {@code sigmoid:1}. */
final class LightgbmObjective implements Link {
    private final String name;
    private final double sigmoid;
    private final boolean squareRoot;
    private final double divisor;

    /**
     * @param line without {@code objective=}; empty for a custom objective
     * @param divisor what sums are divided by: the iterations of a random forest, else 1
     */
    LightgbmObjective(String line, double divisor) {
        String[] words = line.strip().split("\\s+");
        this.name = words[0];
        this.divisor = divisor;
        this.squareRoot = Arrays.asList(words).contains("sqrt");
        this.sigmoid = Arrays.stream(words)
                .filter(word -> word.startsWith("sigmoid:"))
                .mapToDouble(LightgbmObjective::sigmoid)
                .findFirst()
                .orElse(1);
        switch (name) {
            case "",
                    "custom",
                    "regression",
                    "regression_l1",
                    "huber",
                    "fair",
                    "quantile",
                    "mape",
                    "poisson",
                    "gamma",
                    "tweedie",
                    "binary",
                    "multiclass",
                    "multiclassova",
                    "cross_entropy",
                    "cross_entropy_lambda",
                    "lambdarank",
                    "rank_xendcg" -> {}
            default -> throw new UnsupportedModelException("objective '" + name + "' is not supported");
        }
    }

    private static double sigmoid(String word) {
        try {
            return Double.parseDouble(word.substring("sigmoid:".length()));
        } catch (NumberFormatException e) {
            throw new UnsupportedModelException("objective setting '" + word + "' is not understood", e);
        }
    }

    @Override
    public double[] predictions(double[] sums) {
        double[] margins = divisor == 1
                ? sums
                : Arrays.stream(sums).map(sum -> sum / divisor).toArray();
        return switch (name) {
            case "poisson", "gamma", "tweedie" -> each(margins, Math::exp);
            case "binary", "multiclassova" -> each(margins, margin -> 1 / (1 + Math.exp(-sigmoid * margin)));
            case "cross_entropy" -> each(margins, margin -> 1 / (1 + Math.exp(-margin)));
            case "cross_entropy_lambda" -> each(margins, margin -> Math.log1p(Math.exp(margin)));
            case "multiclass" -> Objective.softmax(margins);
            case "regression" ->
                squareRoot ? each(margins, margin -> Math.signum(margin) * margin * margin) : margins.clone();
            default -> margins.clone();
        };
    }

    @Override
    public Answer answer() {
        return switch (name) {
            case "binary" -> Answer.BINARY;
            case "multiclass", "multiclassova" -> Answer.CLASSES;
            default -> Answer.VALUE;
        };
    }

    private static double[] each(double[] margins, DoubleUnaryOperator link) {
        return Arrays.stream(margins).map(link).toArray();
    }
}
