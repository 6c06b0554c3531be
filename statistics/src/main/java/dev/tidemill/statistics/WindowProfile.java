package dev.tidemill.statistics;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Counts of the values of named columns in one window, in bins fixed by the reference. Profiles of the same bins merge by
 * addition, so any roll-up is exact and independent of order. Not thread-safe.
 */
public final class WindowProfile {
    /** From 0.1 a population stability index is commonly read as a change: chance alone must not show that much. */
    static final double MOST_BY_CHANCE = 0.1;

    private final Map<String, Bins> bins;
    private final Map<String, long[]> counts = new TreeMap<>();
    private long rows;

    public WindowProfile(Map<String, Bins> bins) {
        this.bins = Collections.unmodifiableSortedMap(new TreeMap<>(bins));
        bins.forEach((column, columnBins) -> counts.put(column, new long[columnBins.size()]));
    }

    /** Restores a stored profile. */
    public static WindowProfile of(Map<String, Bins> bins, Map<String, long[]> counts, long rows) {
        var profile = new WindowProfile(bins);
        counts.forEach((column, stored) -> profile.addCounts(column, stored));
        profile.rows = rows;
        return profile;
    }

    /**
     * Counts one row.
     *
     * @param row values by column: {@link Number} or {@link Boolean} (true is one, false is zero) for numeric bins, {@link String} for
     *     categories; an absent column counts as missing
     */
    public void add(Map<String, ?> row) {
        rows++;
        bins.forEach((column, columnBins) -> {
            long[] columnCounts = counts(column);
            Object value = row.get(column);
            int bin =
                    switch (columnBins) {
                        case Bins.Numeric numeric -> numericBin(numeric, value);
                        case Bins.Categories categories -> categories.bin(value == null ? null : String.valueOf(value));
                    };
            columnCounts[bin]++;
        });
    }

    private static int numericBin(Bins.Numeric bins, @Nullable Object value) {
        return switch (value) {
            case Number number -> bins.bin(number.doubleValue());
            // As training takes it.
            case Boolean truth -> bins.bin(truth ? 1 : 0);
            case null, default -> 0;
        };
    }

    /** Adds another profile of the same bins. */
    public void merge(WindowProfile other) {
        other.counts.forEach(this::addCounts);
        rows += other.rows;
    }

    private void addCounts(String column, long[] more) {
        long[] mine = counts(column);
        if (mine.length != more.length) {
            throw new IllegalArgumentException("column '" + column + "' has other bins");
        }
        for (int bin = 0; bin < mine.length; bin++) {
            mine[bin] += more[bin];
        }
    }

    public long rows() {
        return rows;
    }

    public Map<String, Bins> bins() {
        return bins;
    }

    /** The counts of a column, by bin. The array is the profile's own. */
    public long[] counts(String column) {
        long[] found = counts.get(column);
        if (found == null) {
            throw new IllegalArgumentException("no column '" + column + "'");
        }
        return found;
    }

    /** How far each column has moved from the reference. */
    public Map<String, ColumnDrift> driftFrom(WindowProfile reference) {
        var drift = new LinkedHashMap<String, ColumnDrift>();
        counts.keySet().stream().sorted().forEach(column -> {
            long[] before = reference.counts(column);
            long[] now = counts(column);
            Optional<Double> index = TwoSampleTests.stabilityIndexByChance(before, now) > MOST_BY_CHANCE
                    ? Optional.empty()
                    : Optional.of(TwoSampleTests.populationStabilityIndex(before, now));
            drift.put(
                    column,
                    switch (bins.get(column)) {
                        case Bins.Categories ignored ->
                            new ColumnDrift(
                                    "chi-squared",
                                    TwoSampleTests.cramersV(before, now),
                                    TwoSampleTests.chiSquared(before, now).pValue(),
                                    index);
                        case null, default -> {
                            TestResult ks = TwoSampleTests.kolmogorovSmirnov(before, now);
                            yield new ColumnDrift("kolmogorov-smirnov", ks.statistic(), ks.pValue(), index);
                        }
                    });
        });
        return drift;
    }

    @Override
    public String toString() {
        var text = new StringBuilder("rows " + rows);
        counts.forEach((column, columnCounts) ->
                text.append(' ').append(column).append('=').append(Arrays.toString(columnCounts)));
        return text.toString();
    }

    /**
     * Distance of one column from its reference.
     *
     * @param test what the p-value comes from
     * @param effect size of the difference from 0 to 1: the Kolmogorov-Smirnov statistic, or Cramer's V
     * @param pValue unadjusted
     * @param populationStabilityIndex over the same bins; empty where so few rows in so many bins would show more than
     *     {@link #MOST_BY_CHANCE} without any drift
     */
    public record ColumnDrift(String test, double effect, double pValue, Optional<Double> populationStabilityIndex) {}
}
