package dev.tidemill.statistics;

import java.util.Comparator;
import java.util.stream.IntStream;

/** Adjusts p-values of many tests (Benjamini and Hochberg 1995). */
public final class FalseDiscoveryRate {
    private FalseDiscoveryRate() {}

    /** Adjusted p-values, in the order given: rejecting those below q keeps the expected share of false ones below q. */
    public static double[] adjust(double[] pValues) {
        int n = pValues.length;
        int[] order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> pValues[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[] adjusted = new double[n];
        double least = 1;
        for (int rank = n; rank >= 1; rank--) {
            int at = order[rank - 1];
            least = Math.min(least, pValues[at] * n / rank);
            adjusted[at] = least;
        }
        return adjusted;
    }
}
