package dev.tidemill.statistics;

import java.util.Arrays;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Bounds on the mean of a series of unknown variance, such that one may look after every observation and stop whenever one
 * likes: each bound alone is ever wrong with at most the stated probability. Pure and thread-safe.
 *
 * <p>The bounds invert the one-sided mixture t-test: with {@code S} the sum and {@code V} the sum of squares of {@code n}
 * observations less the supposed mean, a half-normal prior of standard deviation {@code 1/c} on the mean in units of the
 * standard deviation, and the right Haar prior on the latter, the likelihood ratio is
 * {@code 2 c/sqrt(n+c^2) (1-q^2)^(-n/2) F(sqrt(n) q/sqrt(1-q^2))} with {@code q = S/sqrt(V(n+c^2))} and {@code F} Student's
 * distribution function with {@code n} degrees of freedom. It is a martingale for Gaussian observations whatever their
 * variance, and by Ville's inequality ever exceeds {@code 1/alpha} with probability at most {@code alpha} (Lai 1976, Annals
 * of Statistics 4; Wang and Ramdas 2025, Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
 * variance, Sequential Analysis 44; the prior is cut to one side here). Sums over blocks of many rows are close enough to
 * Gaussian; tails heavier than that make a t-test conservative (Efron 1969, JASA 64).
 *
 * <p>Neighbouring observations may be correlated. {@code n} of them count as {@code n(1-r)/(1+r)}, the number of independent
 * ones that give the mean as well (Bartlett 1946), where {@code r} is the autocorrelation at lag 1, corrected for its bias
 * {@code -(1+3r)/n} (Kendall 1954, Biometrika 41) and raised by half its standard error, never below 0. That is as
 * if the blocks were {@code (1+r)/(1-r)} times as long. It is exact for an autoregression of first order and an approximation
 * for others; {@code make surety} measures what it holds.
 */
public final class SequentialTTest {
    /** Effects of about this many standard deviations of an observation are found soonest. */
    private static final double PRIOR_VARIANCE = 1;

    private static final double CAUTION = 0.5;
    private static final double MOST_CORRELATED = 0.9;
    private static final int STEPS = 100;

    private SequentialTTest() {}

    /**
     * What the observations say of their mean.
     *
     * @param observations their number
     * @param effective number of independent observations that they count as
     * @param autocorrelation of neighbours, as it was corrected; 0 to 0.9
     * @param mean of the observations; 0 without any
     * @param lower bound; minus infinity where there is too little to say, as where all observations are equal
     * @param upper bound; infinity likewise
     */
    public record Bounds(
            int observations, double effective, double autocorrelation, double mean, double lower, double upper) {}

    /**
     * Bounds the mean.
     *
     * @param observations in the order of time
     * @param confidence of each bound alone, in [0.5, 1): what is wrong more often than not is no bound
     * @throws IllegalArgumentException if the confidence is outside of that
     */
    public static Bounds bounds(double[] observations, double confidence) {
        if (!(confidence >= 0.5 && confidence < 1)) {
            throw new IllegalArgumentException("confidence " + confidence + " is not in [0.5, 1)");
        }
        int n = observations.length;
        double mean = Arrays.stream(observations).average().orElse(0);
        double squares = 0;
        double products = 0;
        for (int i = 0; i < n; i++) {
            double deviation = observations[i] - mean;
            squares += deviation * deviation;
            products += i == 0 ? 0 : deviation * (observations[i - 1] - mean);
        }
        // What has never varied tells nothing of how much it does.
        if (n < 3 || squares == 0) {
            return new Bounds(n, n, 0, mean, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        double correlation = corrected(products / squares, n);
        double effective = n * (1 - correlation) / (1 + correlation);
        double critical = critical(effective, 1 - confidence);
        double radius = Double.isInfinite(critical)
                ? Double.POSITIVE_INFINITY
                : critical * Math.sqrt(squares / (n - 1) / effective);
        return new Bounds(n, effective, correlation, mean, mean - radius, mean + radius);
    }

    /**
     * An upper bound on the mean of sums of rare events, such as answers that one model gets wrong and another right. Where none or few
     * have been seen, the observations hardly vary, and tell nothing of how many are to come: with no event in so many rows their rate may
     * still be a few in as many ("rule of three", Hanley and Lippman-Hand 1983, JAMA 249). So one event more is taken as seen, where it
     * counts most against the mean, as in the add-one estimates of a rare rate (Agresti and Coull 1998, American Statistician 52); {@code
     * make surety} measures what that holds.
     *
     * @param event what one event adds to an observation; positive
     * @param confidence as of {@link #bounds}
     * @return infinity where there is too little to say
     */
    public static double upper(double[] observations, double event, double confidence) {
        double[] raised = observations.clone();
        int largest = 0;
        for (int i = 1; i < raised.length; i++) {
            largest = raised[i] > raised[largest] ? i : largest;
        }
        if (raised.length > 0) {
            raised[largest] += event;
        }
        return bounds(raised, confidence).upper();
    }

    private static double corrected(double correlation, int n) {
        double raised = correlation + (1 + 3 * correlation) / n + CAUTION / Math.sqrt(n);
        return Math.clamp(raised, 0, MOST_CORRELATED);
    }

    /** The t-statistic at which the likelihood ratio of so many observations is {@code 1/alpha}; infinite if none is. */
    static double critical(double n, double alpha) {
        if (n <= 1) {
            return Double.POSITIVE_INFINITY;
        }
        double needed = -Math.log(alpha);
        double t = Double.POSITIVE_INFINITY;
        // The distribution function is near 1 at the solution, so that solving for the rest converges in a few steps.
        for (int step = 0; step < STEPS; step++) {
            double missing = needed - logRatio(t, n);
            double before = square(t, n);
            double square = before - (1 - before) * Math.expm1(-2 * missing / n);
            if (square >= weight(n)) {
                return Double.POSITIVE_INFINITY;
            }
            double next = Math.sqrt(square * (n - 1) / (weight(n) - square));
            if (Math.abs(next - t) <= 1e-12 * next) {
                return next;
            }
            t = next;
        }
        return t;
    }

    /** Logarithm of the likelihood ratio by the t-statistic, which it grows with. */
    static double logRatio(double t, double n) {
        return Math.log(2)
                + Math.log(PRIOR_VARIANCE / (n + PRIOR_VARIANCE)) / 2
                - n / 2 * Math.log1p(-square(t, n))
                + logDistribution(t, n);
    }

    /** The square of q. */
    private static double square(double t, double n) {
        return Double.isInfinite(t) ? weight(n) : weight(n) * t * t / (n - 1 + t * t);
    }

    /** What the square of q tends to as t grows. */
    private static double weight(double n) {
        return n / (n + PRIOR_VARIANCE);
    }

    private static double logDistribution(double t, double n) {
        if (Double.isInfinite(t)) {
            return 0;
        }
        double square = square(t, n);
        double quotient = Math.copySign(Math.sqrt(square / (1 - square)), t);
        return Math.log(TDistribution.of(n).cumulativeProbability(Math.sqrt(n) * quotient));
    }
}
