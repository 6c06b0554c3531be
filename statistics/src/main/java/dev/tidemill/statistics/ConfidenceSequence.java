package dev.tidemill.statistics;

/**
 * Bounds on a mean that hold at all times at once, so that one may look after every observation and stop whenever one
 * likes: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics,
 * equation 1 with Robbins' normal mixture). A fixed-horizon interval, looked at repeatedly, errs far more often than it
 * says. Not thread-safe.
 */
public final class ConfidenceSequence {
    private final double alpha;
    private final double rho;
    private long n;
    private double mean;
    private double squares;

    /**
     * @param alpha probability that the mean is ever outside its bounds, in (0, 1)
     * @param tightestAt number of observations at which the bounds should be tightest
     */
    public ConfidenceSequence(double alpha, long tightestAt) {
        if (!(alpha > 0 && alpha < 1) || tightestAt < 1) {
            throw new IllegalArgumentException("alpha " + alpha + ", tightestAt " + tightestAt);
        }
        this.alpha = alpha;
        // Equation 10 there: the mixture variance that is near-optimal at that number of observations.
        double log = Math.log(1 / alpha);
        this.rho = Math.sqrt((2 * log + Math.log(1 + 2 * log)) / tightestAt);
    }

    /** Adds an observation (Welford's update). */
    public void add(double value) {
        n++;
        double delta = value - mean;
        mean += delta / n;
        squares += delta * (value - mean);
    }

    public long count() {
        return n;
    }

    /** The running mean; 0 before the first observation. */
    public double mean() {
        return mean;
    }

    /** Half the width of the bounds; infinite before the second observation. */
    public double radius() {
        if (n < 2) {
            return Double.POSITIVE_INFINITY;
        }
        double deviation = Math.sqrt(squares / (n - 1));
        double r = n * rho * rho + 1;
        return deviation * Math.sqrt(2 * r / ((double) n * n * rho * rho) * Math.log(Math.sqrt(r) / alpha));
    }

    public double lower() {
        return mean - radius();
    }

    public double upper() {
        return mean + radius();
    }
}
