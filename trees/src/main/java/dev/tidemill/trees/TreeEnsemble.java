package dev.tidemill.trees;

/**
 * A sum of decision trees in flat arrays, scored in the order and precision of XGBoost: thresholds and sums are 32-bit
 * floats, a value goes left if it is less than the threshold, a missing value (NaN) goes the way learned for it. Immutable
 * and thread-safe; scoring allocates one array of {@link #outputs()} floats.
 */
public final class TreeEnsemble {
    private final int features;
    private final int outputs;
    private final float[] baseMargin;
    private final int[] roots;
    private final int[] treeOutput;
    private final int[] feature;
    private final float[] threshold;
    private final int[] left;
    private final int[] right;
    private final boolean[] missingLeft;

    /**
     * @param features number of inputs
     * @param baseMargin start of the sum for each output
     * @param roots index of each tree's root in the node arrays
     * @param treeOutput output that each tree adds to
     * @param feature input that a node asks for; -1 for a leaf
     * @param threshold of a node; the value of a leaf
     * @param left child for values below the threshold
     * @param right child for the others
     * @param missingLeft whether a missing value goes left
     */
    TreeEnsemble(
            int features,
            float[] baseMargin,
            int[] roots,
            int[] treeOutput,
            int[] feature,
            float[] threshold,
            int[] left,
            int[] right,
            boolean[] missingLeft) {
        this.features = features;
        this.outputs = baseMargin.length;
        this.baseMargin = baseMargin.clone();
        this.roots = roots.clone();
        this.treeOutput = treeOutput.clone();
        this.feature = feature.clone();
        this.threshold = threshold.clone();
        this.left = left.clone();
        this.right = right.clone();
        this.missingLeft = missingLeft.clone();
    }

    public int features() {
        return features;
    }

    public int outputs() {
        return outputs;
    }

    public int trees() {
        return roots.length;
    }

    /**
     * Sums the leaves that a row falls into.
     *
     * @param row {@link #features()} values; NaN is missing
     * @return one margin for each output
     */
    public float[] margins(float[] row) {
        if (row.length != features) {
            throw new IllegalArgumentException("a row has " + row.length + " values; the model takes " + features);
        }
        float[] sums = baseMargin.clone();
        for (int tree = 0; tree < roots.length; tree++) {
            int node = roots[tree];
            int asked;
            while ((asked = feature[node]) >= 0) {
                float value = row[asked];
                boolean goLeft = Float.isNaN(value) ? missingLeft[node] : value < threshold[node];
                node = goLeft ? left[node] : right[node];
            }
            sums[treeOutput[tree]] += threshold[node];
        }
        return sums;
    }
}
