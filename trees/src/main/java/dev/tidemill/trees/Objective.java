package dev.tidemill.trees;

/** What a model was trained for: how margins become predictions. */
public enum Objective {
    SQUARED_ERROR("reg:squarederror"),
    ABSOLUTE_ERROR("reg:absoluteerror"),
    POISSON("count:poisson"),
    LOGISTIC("binary:logistic"),
    SOFT_PROBABILITIES("multi:softprob");

    private final String xgboostName;

    Objective(String xgboostName) {
        this.xgboostName = xgboostName;
    }

    public String xgboostName() {
        return xgboostName;
    }

    /** The objective of that XGBoost name. */
    public static Objective of(String name) {
        for (Objective objective : values()) {
            if (objective.xgboostName.equals(name)) {
                return objective;
            }
        }
        throw new UnsupportedModelException("objective '" + name + "' is not supported");
    }

    /** Turns margins into predictions: the link function of the objective. */
    public double[] predictions(float[] margins) {
        return switch (this) {
            case SQUARED_ERROR, ABSOLUTE_ERROR -> new double[] {margins[0]};
            case POISSON -> new double[] {(float) Math.exp(margins[0])};
            case LOGISTIC -> new double[] {(float) (1 / (1 + Math.exp(-margins[0])))};
            case SOFT_PROBABILITIES -> softmax(margins);
        };
    }

    /** The margin that stands for a base score given in the space of predictions. */
    float baseMargin(float baseScore) {
        return switch (this) {
            case SQUARED_ERROR, ABSOLUTE_ERROR, SOFT_PROBABILITIES -> baseScore;
            case POISSON -> (float) Math.log(baseScore);
            case LOGISTIC -> (float) -Math.log(1 / baseScore - 1);
        };
    }

    private static double[] softmax(float[] margins) {
        float most = margins[0];
        for (float margin : margins) {
            most = Math.max(most, margin);
        }
        double[] shares = new double[margins.length];
        double sum = 0;
        for (int i = 0; i < margins.length; i++) {
            shares[i] = Math.exp(margins[i] - most);
            sum += shares[i];
        }
        for (int i = 0; i < shares.length; i++) {
            shares[i] /= sum;
        }
        return shares;
    }
}
