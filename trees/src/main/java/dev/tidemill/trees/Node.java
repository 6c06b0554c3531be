package dev.tidemill.trees;

/**
 * How a node of a tree decides: flags, and for a categorical one the set of categories that go left.
 *
 * @param feature input that is asked for; -1 for a leaf
 * @param threshold of a node; the value of a leaf
 * @param left index of the child for values below, or in the set
 * @param right index of the child for the others
 * @param missing what a missing value is taken for
 * @param missingLeft where a missing value goes
 * @param categories bits of the categories that go left; empty for a numeric node
 * @param strangers what becomes of a value beyond the set or below 0
 */
record Node(
        int feature,
        double threshold,
        int left,
        int right,
        Missing missing,
        boolean missingLeft,
        long[] categories,
        Strangers strangers) {
    private static final long[] NONE = {};
    /** LightGBM's kZeroThreshold, a 32-bit float. */
    private static final double ZERO = 1e-35f;

    /** What counts as missing. */
    enum Missing {
        /** Nothing: NaN is taken for 0. */
        NEVER,
        /** NaN and, within rounding, 0. */
        ZERO_OR_NAN,
        /** NaN. */
        NAN
    }

    /** Where values go that are no categories. */
    enum Strangers {
        /** To the left: XGBoost's way. */
        LEFT,
        /** To the right, once what is behind the point is cut, so that no value above -1 is below 0: LightGBM's way. */
        RIGHT
    }

    static Node leaf(double value) {
        return new Node(-1, value, -1, -1, Missing.NAN, false, NONE, Strangers.RIGHT);
    }

    static Node numeric(int feature, double threshold, int left, int right, Missing missing, boolean missingLeft) {
        return new Node(feature, threshold, left, right, missing, missingLeft, NONE, Strangers.RIGHT);
    }

    boolean isLeaf() {
        return feature < 0;
    }

    boolean isCategorical() {
        return categories.length > 0;
    }

    static boolean isZero(double value) {
        return value >= -ZERO && value <= ZERO;
    }

    /** @param strict whether a value goes left if it is less than the threshold, rather than at most as large */
    boolean goesLeft(double given, boolean strict) {
        if (isCategorical()) {
            return goesLeft(given);
        }
        double value = given;
        if (Double.isNaN(value)) {
            if (missing == Missing.NAN) {
                return missingLeft;
            }
            value = 0;
        }
        if (missing == Missing.ZERO_OR_NAN && isZero(value)) {
            return missingLeft;
        }
        return strict ? value < threshold : value <= threshold;
    }

    private boolean goesLeft(double value) {
        if (Double.isNaN(value)) {
            return missingLeft;
        }
        boolean left = strangers == Strangers.LEFT;
        long category = (long) value;
        if (category < 0 || left && value < 0 || category >= 64L * categories.length) {
            return left;
        }
        return (categories[(int) (category >>> 6)] >>> category & 1) != 0;
    }
}
