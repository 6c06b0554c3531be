package dev.tidemill.statistics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.inference.ChiSquareTest;
import org.apache.commons.statistics.inference.KolmogorovSmirnovTest;

/**
 * Compares two samples, given as values or as counts in common bins. All functions are total: empty or one-sided input
 * gives statistic 0 and p-value 1, never NaN.
 */
public final class TwoSampleTests {
    /** Up to this many values in either sample the Kolmogorov-Smirnov p-value is computed exactly, as SciPy does. */
    private static final int EXACT = 10_000;

    private static final TestResult NO_EVIDENCE = new TestResult(0, 1);

    private TwoSampleTests() {}

    /**
     * Two-sample Kolmogorov-Smirnov test, two-sided (Hodges 1958; p-value exact for small samples, else by the one-sample
     * limit with {@code n = round(n*m/(n+m))}).
     *
     * @param reference any values; NaN is left out
     */
    public static TestResult kolmogorovSmirnov(double[] reference, double[] current) {
        double[] x = Arrays.stream(reference).filter(v -> !Double.isNaN(v)).toArray();
        double[] y = Arrays.stream(current).filter(v -> !Double.isNaN(v)).toArray();
        if (x.length == 0 || y.length == 0) {
            return NO_EVIDENCE;
        }
        if (x.length == 1 || y.length == 1) {
            return y.length == 1 ? besideOne(x, y[0]) : besideOne(y, x[0]);
        }
        var result = KolmogorovSmirnovTest.withDefaults().test(x, y);
        return new TestResult(result.getStatistic(), Math.min(1, result.getPValue()));
    }

    /**
     * The same test of a sample beside a single value. Without difference each of the n + 1 places among the sorted values is
     * as likely for it, and the place after i of them has the statistic max(i, n - i) / n; the p-value is exact.
     */
    private static TestResult besideOne(double[] values, double one) {
        int n = values.length;
        long below = Arrays.stream(values).filter(v -> v < one).count();
        long notAbove = Arrays.stream(values).filter(v -> v <= one).count();
        long gap = Math.max(below, n - notAbove);
        long places = LongStream.rangeClosed(0, n)
                .filter(i -> Math.max(i, n - i) >= gap)
                .count();
        return new TestResult((double) gap / n, (double) places / (n + 1));
    }

    /**
     * Kolmogorov-Smirnov test from counts. The statistic is that of the values rounded to their bins: it equals the
     * sample's where every value has a bin of its own, and otherwise lies below it by no more than
     * {@link #kolmogorovSmirnovBound}.
     *
     * @param reference counts by bin; bin 0 (missing) is left out
     * @param current counts in the same bins
     */
    public static TestResult kolmogorovSmirnov(long[] reference, long[] current) {
        requireSameBins(reference, current);
        long n = Arrays.stream(reference).skip(1).sum();
        long m = Arrays.stream(current).skip(1).sum();
        if (n == 0 || m == 0) {
            return NO_EVIDENCE;
        }
        if (n <= EXACT && m <= EXACT) {
            return kolmogorovSmirnov(asValues(reference, (int) n), asValues(current, (int) m));
        }
        double d = largestGap(reference, current, n, m);
        long effective = Math.max(1, Math.round((double) n * m / (n + m)));
        return new TestResult(d, KolmogorovDistribution.survival(d, effective));
    }

    /** By how much the statistic from counts can lie below the statistic of the values: the heaviest bin's share. */
    public static double kolmogorovSmirnovBound(long[] reference, long[] current) {
        return Math.max(heaviest(reference), heaviest(current));
    }

    private static double heaviest(long[] counts) {
        long total = Arrays.stream(counts).skip(1).sum();
        return total == 0 ? 0 : (double) Arrays.stream(counts).skip(1).max().orElse(0) / total;
    }

    private static double[] asValues(long[] counts, int total) {
        double[] values = new double[total];
        int at = 0;
        for (int bin = 1; bin < counts.length; bin++) {
            Arrays.fill(values, at, at + (int) counts[bin], bin);
            at += (int) counts[bin];
        }
        return values;
    }

    private static double largestGap(long[] reference, long[] current, long n, long m) {
        double gap = 0;
        long x = 0;
        long y = 0;
        for (int bin = 1; bin < reference.length; bin++) {
            x += reference[bin];
            y += current[bin];
            gap = Math.max(gap, Math.abs((double) x / n - (double) y / m));
        }
        return gap;
    }

    /**
     * Pearson's chi-squared test of homogeneity from counts, without continuity correction. Bins empty in both samples
     * are left out; all others count, that for missing values included.
     */
    public static TestResult chiSquared(long[] reference, long[] current) {
        requireSameBins(reference, current);
        List<Integer> bins = new ArrayList<>();
        for (int bin = 0; bin < reference.length; bin++) {
            if (reference[bin] + current[bin] > 0) {
                bins.add(bin);
            }
        }
        boolean oneSided =
                Arrays.stream(reference).sum() == 0 || Arrays.stream(current).sum() == 0;
        if (bins.size() < 2 || oneSided) {
            return NO_EVIDENCE;
        }
        long[][] table = new long[2][bins.size()];
        for (int i = 0; i < bins.size(); i++) {
            table[0][i] = reference[bins.get(i)];
            table[1][i] = current[bins.get(i)];
        }
        double statistic = ChiSquareTest.withDefaults().statistic(table);
        double p = ChiSquaredDistribution.of(bins.size() - 1).survivalProbability(statistic);
        return new TestResult(statistic, p);
    }

    /** Cramer's V of the same table: an effect size from 0 to 1 that does not grow with the number of rows. */
    public static double cramersV(long[] reference, long[] current) {
        long n = Arrays.stream(reference).sum() + Arrays.stream(current).sum();
        return n == 0 ? 0 : Math.sqrt(chiSquared(reference, current).statistic() / n);
    }

    /**
     * Population stability index: the symmetrised Kullback-Leibler divergence of the two binned distributions, over all
     * bins. Each empty bin counts as half an observation, so the index is finite.
     */
    public static double populationStabilityIndex(long[] reference, long[] current) {
        requireSameBins(reference, current);
        double n = Arrays.stream(reference).sum();
        double m = Arrays.stream(current).sum();
        if (n == 0 || m == 0) {
            return 0;
        }
        double index = 0;
        for (int bin = 0; bin < reference.length; bin++) {
            if (reference[bin] + current[bin] > 0) {
                double p = Math.max(reference[bin], 0.5) / n;
                double q = Math.max(current[bin], 0.5) / m;
                index += (q - p) * Math.log(q / p);
            }
        }
        return index;
    }

    /**
     * What the population stability index is on average where both samples are of one distribution: B - 1 times (1 / n + 1 / m) for B bins
     * that are in use, since the index then follows about that multiple of a chi-squared distribution (Yurdakul, Statistical Properties of
     * Population Stability Index, 2018). Infinite where a sample is empty.
     */
    public static double stabilityIndexByChance(long[] reference, long[] current) {
        requireSameBins(reference, current);
        double n = Arrays.stream(reference).sum();
        double m = Arrays.stream(current).sum();
        long used = IntStream.range(0, reference.length)
                .filter(bin -> reference[bin] + current[bin] > 0)
                .count();
        return n == 0 || m == 0 ? Double.POSITIVE_INFINITY : (used - 1) * (1 / n + 1 / m);
    }

    private static void requireSameBins(long[] reference, long[] current) {
        if (reference.length != current.length) {
            throw new IllegalArgumentException("counts have " + reference.length + " and " + current.length + " bins");
        }
    }
}
