package dev.tidemill.statistics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How the values of one column are counted. Bins are fixed once, from the reference, so that every later window is counted
 * in the same way and counts add up exactly. Bin 0 always counts missing values. Immutable and thread-safe.
 */
public sealed interface Bins {
    /** Number of bins, the one for missing values included. */
    int size();

    /** A label for a bin, for people. */
    String label(int bin);

    /**
     * Numeric bins. Bin 0: missing or NaN. Bin {@code i} of {@code 1..edges.length}: values in
     * {@code (edges[i-2], edges[i-1]]}. The last bin: values above the last edge. Values below all of the reference fall
     * into bin 1, values above all of it into the last.
     *
     * @param edges strictly increasing, finite
     */
    record Numeric(List<Double> edges) implements Bins {
        public Numeric {
            edges = List.copyOf(edges);
            for (int i = 1; i < edges.size(); i++) {
                if (!(edges.get(i - 1) < edges.get(i))) {
                    throw new IllegalArgumentException("edges must rise: " + edges);
                }
            }
        }

        /**
         * Takes at most {@code resolution} quantiles of the reference as edges. A value that alone holds more than
         * {@code 1 / resolution} of the reference becomes a bin of its own; where there are no more distinct values than
         * {@code resolution}, all of them do, and count-based statistics equal sample-based ones.
         *
         * @param reference values; NaN is missing
         */
        public static Numeric fromReference(double[] reference, int resolution) {
            double[] sorted = Arrays.stream(reference)
                    .filter(v -> !Double.isNaN(v))
                    .sorted()
                    .toArray();
            if (sorted.length == 0) {
                return new Numeric(List.of());
            }
            var edges = new TreeSet<Double>();
            edges.add(Math.nextDown(clamp(sorted[0])));
            long distinct = Arrays.stream(sorted).distinct().count();
            if (distinct <= resolution) {
                Arrays.stream(sorted).forEach(value -> edges.add(clamp(value)));
            } else {
                addQuantiles(sorted, resolution, edges);
            }
            edges.add(clamp(sorted[sorted.length - 1]));
            return new Numeric(new ArrayList<>(edges));
        }

        private static void addQuantiles(double[] sorted, int resolution, TreeSet<Double> edges) {
            int heavy = Math.max(1, sorted.length / resolution);
            for (int start = 0; start < sorted.length; ) {
                int end = start;
                while (end < sorted.length && sorted[end] == sorted[start]) {
                    end++;
                }
                if (end - start > heavy) {
                    edges.add(Math.nextDown(clamp(sorted[start])));
                    edges.add(clamp(sorted[start]));
                }
                start = end;
            }
            for (int k = 1; k < resolution; k++) {
                edges.add(clamp(sorted[(int) ((long) k * sorted.length / resolution)]));
            }
        }

        private static double clamp(double value) {
            return Math.clamp(value, -Double.MAX_VALUE, Double.MAX_VALUE);
        }

        /** The bin of a value. */
        public int bin(double value) {
            if (Double.isNaN(value)) {
                return 0;
            }
            int low = 0;
            int high = edges.size();
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (value <= edges.get(middle)) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return low + 1;
        }

        @Override
        public int size() {
            return edges.size() + 2;
        }

        @Override
        public String label(int bin) {
            if (bin == 0) {
                return "missing";
            }
            if (edges.isEmpty()) {
                return "any";
            }
            return bin <= edges.size()
                    ? "<= " + Numbers.brief(edges.get(bin - 1))
                    : "> " + Numbers.brief(edges.getLast());
        }
    }

    /**
     * Bins by category. Bin 0: missing. Bin {@code i} of {@code 1..values.size()}: that category. The last bin: any other.
     */
    record Categories(List<String> values) implements Bins {
        public Categories {
            values = List.copyOf(values);
        }

        /** Keeps the most frequent categories of the reference, at most {@code most} of them, in order of name. */
        public static Categories fromReference(List<@Nullable String> reference, int most) {
            Map<String, Integer> counts = new LinkedHashMap<>();
            for (String value : reference) {
                if (value != null) {
                    counts.merge(value, 1, Integer::sum);
                }
            }
            return new Categories(counts.entrySet().stream()
                    .sorted(Map.Entry.<String, Integer>comparingByValue()
                            .reversed()
                            .thenComparing(Map.Entry.comparingByKey()))
                    .limit(most)
                    .map(Map.Entry::getKey)
                    .sorted()
                    .toList());
        }

        /** The bin of a category. */
        public int bin(@Nullable String value) {
            if (value == null) {
                return 0;
            }
            int index = values.indexOf(value);
            return index < 0 ? values.size() + 1 : index + 1;
        }

        @Override
        public int size() {
            return values.size() + 2;
        }

        @Override
        public String label(int bin) {
            if (bin == 0) {
                return "missing";
            }
            return bin <= values.size() ? values.get(bin - 1) : "other";
        }
    }
}
