package dev.tidemill.trees;

import java.util.Arrays;
import java.util.List;

/** What an XGBoost model was trained for: how margins become predictions. */
public enum Objective implements Link {
    SQUARED_ERROR("reg:squarederror", Kind.IDENTITY),
    ABSOLUTE_ERROR("reg:absoluteerror", Kind.IDENTITY),
    PSEUDO_HUBER("reg:pseudohubererror", Kind.IDENTITY),
    SQUARED_LOG_ERROR("reg:squaredlogerror", Kind.IDENTITY),
    QUANTILE_ERROR("reg:quantileerror", Kind.IDENTITY),
    EXPECTILE_ERROR("reg:expectileerror", Kind.IDENTITY),
    LINEAR("reg:linear", Kind.IDENTITY),
    LOGISTIC_REGRESSION("reg:logistic", Kind.SIGMOID),
    GAMMA("reg:gamma", Kind.EXPONENTIAL),
    TWEEDIE("reg:tweedie", Kind.EXPONENTIAL),
    POISSON("count:poisson", Kind.EXPONENTIAL),
    COX("survival:cox", Kind.EXPONENTIAL),
    ACCELERATED_FAILURE("survival:aft", Kind.EXPONENTIAL),
    LOGISTIC("binary:logistic", Kind.SIGMOID),
    RAW_LOGISTIC("binary:logitraw", Kind.IDENTITY),
    HINGE("binary:hinge", Kind.HINGE),
    SOFT_CLASS("multi:softmax", Kind.LARGEST),
    SOFT_PROBABILITIES("multi:softprob", Kind.SOFTMAX),
    RANK_PAIRWISE("rank:pairwise", Kind.IDENTITY),
    RANK_NDCG("rank:ndcg", Kind.IDENTITY),
    RANK_MAP("rank:map", Kind.IDENTITY);

    private enum Kind {
        IDENTITY,
        EXPONENTIAL,
        SIGMOID,
        HINGE,
        SOFTMAX,
        LARGEST
    }

    private final String xgboostName;
    private final Kind kind;

    Objective(String xgboostName, Kind kind) {
        this.xgboostName = xgboostName;
        this.kind = kind;
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
        List<String> known = Arrays.stream(values()).map(Objective::xgboostName).toList();
        throw new UnsupportedModelException("objective '" + name + "' is not supported; " + known + " are");
    }

    @Override
    public double[] predictions(double[] margins) {
        return switch (kind) {
            case IDENTITY -> margins.clone();
            case EXPONENTIAL -> each(margins, margin -> (float) Math.exp(margin));
            case SIGMOID -> each(margins, margin -> (float) (1 / (1 + Math.exp(-margin))));
            case HINGE -> each(margins, margin -> margin > 0 ? 1 : 0);
            case SOFTMAX -> softmax(margins);
            case LARGEST -> new double[] {largest(margins)};
        };
    }

    @Override
    public double[] scores(double[] margins) {
        return kind == Kind.LARGEST ? softmax(margins) : predictions(margins);
    }

    @Override
    public Answer answer() {
        return switch (kind) {
            case SIGMOID, HINGE -> Answer.BINARY;
            case SOFTMAX, LARGEST -> Answer.CLASSES;
            default -> Answer.VALUE;
        };
    }

    private static double[] each(double[] margins, java.util.function.DoubleUnaryOperator link) {
        return Arrays.stream(margins).map(link).toArray();
    }

    /** The margin that stands for a base score given in the space of predictions. */
    float baseMargin(float baseScore) {
        return switch (kind) {
            case EXPONENTIAL -> (float) Math.log(baseScore);
            case SIGMOID -> (float) -Math.log(1 / baseScore - 1);
            default -> baseScore;
        };
    }

    static int largest(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }

    static double[] softmax(double[] margins) {
        double most = Arrays.stream(margins).max().orElse(0);
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
