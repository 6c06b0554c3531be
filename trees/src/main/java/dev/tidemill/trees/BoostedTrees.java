package dev.tidemill.trees;

import java.util.List;

/**
 * Trees as a library saved them, ready to predict. Immutable and thread-safe.
 *
 * @param featureNames names of the inputs, in order; empty where the model has none
 * @param categories of each input; empty where no input has any
 */
public record BoostedTrees(TreeEnsemble ensemble, Link link, List<String> featureNames, List<Categories> categories) {
    public BoostedTrees {
        featureNames = List.copyOf(featureNames);
        categories = List.copyOf(categories);
    }

    /** Predicts from one row; NaN is missing, a category is its index. */
    public double[] predict(double[] row) {
        return link.predictions(ensemble.margins(row));
    }

    /** Predicts many rows. */
    public double[][] predict(double[][] rows) {
        double[][] margins = ensemble.margins(rows);
        for (int i = 0; i < margins.length; i++) {
            margins[i] = link.predictions(margins[i]);
        }
        return margins;
    }
}
