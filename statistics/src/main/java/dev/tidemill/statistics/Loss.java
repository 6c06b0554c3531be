package dev.tidemill.statistics;

/** How wrong one prediction is; the mean over a window is the window's error. */
public enum Loss {
    /** Distance between number and label: its mean is the mean absolute error. */
    ABSOLUTE,
    /** 1 if the most probable class is not the label, else 0: its mean is the error rate. */
    ZERO_ONE;

    /**
     * The loss of one prediction.
     *
     * @param prediction one number for a regression; for a classification the probability of the second class, or one
     *     probability for each class
     * @param label the true number, or the index of the true class
     */
    public double of(double[] prediction, double label) {
        return switch (this) {
            case ABSOLUTE -> Math.abs(prediction[0] - label);
            case ZERO_ONE -> mostProbable(prediction) == (int) label ? 0 : 1;
        };
    }

    private static int mostProbable(double[] prediction) {
        if (prediction.length == 1) {
            return prediction[0] >= 0.5 ? 1 : 0;
        }
        int best = 0;
        for (int i = 1; i < prediction.length; i++) {
            if (prediction[i] > prediction[best]) {
                best = i;
            }
        }
        return best;
    }
}
