package dev.tidemill.trees;

import java.util.Arrays;

/**
 * How ONNX turns the sums of a tree ensemble into values or scores. All arithmetic is in 32-bit floats, as ONNX Runtime's
 * {@code tree_ensemble_aggregator.h} has it. Immutable and thread-safe.
 */
public final class OnnxTreeLink implements Link {
    private static final long MOST_TARGETS = 10_000;

    private enum Transform {
        NONE,
        LOGISTIC,
        SOFTMAX
    }

    private final Transform transform;
    private final double[] base;
    private final int divisor;
    private final boolean binary;
    private final boolean classifier;

    private OnnxTreeLink(Transform transform, double[] base, int divisor, boolean binary, boolean classifier) {
        this.transform = transform;
        this.base = base;
        this.divisor = divisor;
        this.binary = binary;
        this.classifier = classifier;
    }

    /** Whether one sum stands for two classes. */
    static boolean isBinary(OnnxGraph.Operation trees, int labels) {
        return labels == 2
                && Arrays.stream(trees.wholes("class_ids")).distinct().count() == 1;
    }

    /** How many values a regressor gives. */
    static int targets(OnnxGraph.Operation trees) {
        long targets = trees.whole("n_targets", 1);
        if (targets < 1 || targets > MOST_TARGETS) {
            throw new UnsupportedModelException("it has " + targets + " targets");
        }
        return (int) targets;
    }

    static OnnxTreeLink of(OnnxGraph.Operation trees, boolean classifier, int labels) {
        Transform transform =
                switch (trees.text("post_transform", "NONE")) {
                    case "NONE" -> Transform.NONE;
                    case "LOGISTIC" -> Transform.LOGISTIC;
                    case "SOFTMAX" -> Transform.SOFTMAX;
                    default ->
                        throw new UnsupportedModelException(
                                "post_transform " + trees.text("post_transform", "") + " is not supported");
                };
        boolean binary = classifier && isBinary(trees, labels);
        if (classifier && labels == 2 && !binary) {
            throw new UnsupportedModelException("its two classes have sums of their own");
        }
        if (binary) {
            boolean positive = Arrays.stream(trees.numbers("class_weights")).allMatch(weight -> weight >= 0);
            if (positive != (transform == Transform.NONE) || transform == Transform.SOFTMAX) {
                throw new UnsupportedModelException("the weights of its two classes do not fit " + transform);
            }
        }
        int width = binary ? 1 : classifier ? labels : targets(trees);
        double[] base = trees.numbers("base_values");
        if (base.length != 0 && base.length != width) {
            throw new UnsupportedModelException("it has " + base.length + " base values for " + width + " outputs");
        }
        int divisor =
                switch (trees.text("aggregate_function", "SUM")) {
                    case "SUM" -> 1;
                    case "AVERAGE" ->
                        (int) Arrays.stream(trees.wholes("nodes_treeids"))
                                .distinct()
                                .count();
                    default ->
                        throw new UnsupportedModelException(
                                "aggregate_function " + trees.text("aggregate_function", "") + " is not supported");
                };
        return new OnnxTreeLink(transform, base, divisor, binary, classifier);
    }

    @Override
    public double[] predictions(double[] margins) {
        float[] sums = new float[margins.length];
        for (int i = 0; i < sums.length; i++) {
            sums[i] = (float) (margins[i] / divisor);
            if (base.length > 0) {
                sums[i] += (float) base[i];
            }
        }
        if (binary) {
            return transform == Transform.NONE
                    ? new double[] {1f - sums[0], sums[0]}
                    : new double[] {logistic(-sums[0]), logistic(sums[0])};
        }
        return switch (transform) {
            case NONE -> wide(sums);
            case LOGISTIC -> {
                for (int i = 0; i < sums.length; i++) {
                    sums[i] = logistic(sums[i]);
                }
                yield wide(sums);
            }
            case SOFTMAX -> softmax(sums);
        };
    }

    /** Index of the label that scores stand for: the first largest; of two classes the second needs more than half. */
    public int label(double[] scores) {
        return binary ? scores[1] > 0.5 ? 1 : 0 : Objective.largest(scores);
    }

    /** How many scores or values there are. */
    public int width(TreeEnsemble ensemble) {
        return binary ? 2 : ensemble.outputs();
    }

    @Override
    public Answer answer() {
        return binary ? Answer.BINARY : classifier ? Answer.CLASSES : Answer.VALUE;
    }

    private static float logistic(float value) {
        float share = 1f / (1f + (float) Math.exp(-Math.abs(value)));
        return value < 0 ? 1f - share : share;
    }

    private static double[] softmax(float[] sums) {
        float most = Float.NEGATIVE_INFINITY;
        for (float sum : sums) {
            most = Math.max(most, sum);
        }
        float total = 0;
        for (int i = 0; i < sums.length; i++) {
            sums[i] = (float) Math.exp(sums[i] - most);
            total += sums[i];
        }
        for (int i = 0; i < sums.length; i++) {
            sums[i] /= total;
        }
        return wide(sums);
    }

    private static double[] wide(float[] numbers) {
        double[] wide = new double[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            wide[i] = numbers[i];
        }
        return wide;
    }
}
