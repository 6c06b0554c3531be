package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemill.testkit.SharedData;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TwoSampleTestsTest {
    private JsonNode oracle;

    @BeforeEach
    void readOracle() throws Exception {
        oracle = new ObjectMapper()
                .readTree(SharedData.file("statistics_oracles.json").toFile());
    }

    private double[] sample(String name) {
        return oracle.path("meta")
                .path(name)
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }

    @Test
    void samplesGiveTheOraclesStatisticAndExactPValue() {
        assertKolmogorovSmirnov(sample("x8"), sample("y6"), "small_n8_m6_no_ties");
        assertKolmogorovSmirnov(sample("xt"), sample("yt"), "ties_n10_m12");
    }

    private void assertKolmogorovSmirnov(double[] x, double[] y, String key) {
        JsonNode expected = oracle.path(key).path("ks_exact");
        TestResult result = TwoSampleTests.kolmogorovSmirnov(x, y);
        assertThat(result.statistic()).isCloseTo(expected.path("D").asDouble(), within(1e-12));
        assertThat(result.pValue()).isCloseTo(expected.path("p").asDouble(), within(1e-10));
    }

    /** Expected values: {@code scipy.stats.ks_2samp(..., method="exact")}. */
    @Test
    void aSingleValueIsASampleToo() {
        assertSingle(9, 1, 1.0 / 3, 1, 2, 3, 4, 5);
        assertSingle(2.5, 0.6, 1, 1, 2, 3, 4, 5);
        assertSingle(2.5, 0.5, 1, 1, 2, 3, 4);
        assertSingle(7.5, 1, 1, 7);
        assertSingle(3, 0, 1, 3);
        assertSingle(1.5, 0.9, 4.0 / 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        assertThat(TwoSampleTests.kolmogorovSmirnov(new long[] {0, 1, 0}, new long[] {3, 0, 1}))
                .isEqualTo(new TestResult(1, 1));
    }

    private static void assertSingle(double one, double statistic, double pValue, double... values) {
        for (TestResult result : List.of(
                TwoSampleTests.kolmogorovSmirnov(values, new double[] {one}),
                TwoSampleTests.kolmogorovSmirnov(new double[] {one}, values))) {
            assertThat(result.statistic()).isCloseTo(statistic, within(1e-12));
            assertThat(result.pValue()).isCloseTo(pValue, within(1e-12));
        }
    }

    @Test
    void countsEqualTheOracleWhereEveryValueIsABin() {
        for (String[] names : new String[][] {{"x8", "y6", "small_n8_m6_no_ties"}, {"xt", "yt", "ties_n10_m12"}}) {
            double[] x = sample(names[0]);
            double[] y = sample(names[1]);
            double[] both = java.util.stream.DoubleStream.concat(Arrays.stream(x), Arrays.stream(y))
                    .toArray();
            Bins.Numeric bins = Bins.Numeric.fromReference(both, 100);
            TestResult result = TwoSampleTests.kolmogorovSmirnov(counts(bins, x), counts(bins, y));
            JsonNode expected = oracle.path(names[2]).path("ks_exact");
            assertThat(result.statistic()).isCloseTo(expected.path("D").asDouble(), within(1e-12));
            assertThat(result.pValue()).isCloseTo(expected.path("p").asDouble(), within(1e-10));
        }
    }

    private static long[] counts(Bins.Numeric bins, double[] values) {
        long[] counts = new long[bins.size()];
        for (double value : values) {
            counts[bins.bin(value)]++;
        }
        return counts;
    }

    @Test
    void countsStayWithinTheirBoundOnRandomData() {
        var random = new Random(42);
        for (int trial = 0; trial < 200; trial++) {
            double shift = random.nextDouble() - 0.5;
            double[] x = random.doubles(300 + random.nextInt(700))
                    .map(v -> Math.rint(v * 200))
                    .toArray();
            double[] y = random.doubles(50 + random.nextInt(300))
                    .map(v -> Math.rint((v + shift) * 200))
                    .toArray();
            Bins.Numeric bins = Bins.Numeric.fromReference(x, 32);
            long[] reference = counts(bins, x);
            long[] current = counts(bins, y);
            double exact = TwoSampleTests.kolmogorovSmirnov(x, y).statistic();
            double counted =
                    TwoSampleTests.kolmogorovSmirnov(reference, current).statistic();
            assertThat(counted).isLessThanOrEqualTo(exact + 1e-12);
            assertThat(exact - counted)
                    .isLessThanOrEqualTo(TwoSampleTests.kolmogorovSmirnovBound(reference, current) + 1e-12);
        }
    }

    @Test
    void largeSamplesUseTheLimitThatTheOracleUses() {
        for (JsonNode row : oracle.path("ks_large_asymp")) {
            double n = row.path("n").asDouble();
            double m = row.path("m").asDouble();
            double p = KolmogorovDistribution.survival(row.path("D").asDouble(), Math.round(n * m / (n + m)));
            assertThat(p).isCloseTo(row.path("p_kstwo").asDouble(), within(2e-5));
        }
    }

    @Test
    void chiSquaredEqualsTheOracle() {
        TestResult result = TwoSampleTests.chiSquared(new long[] {90, 60, 50}, new long[] {30, 50, 70});
        JsonNode expected = oracle.path("contingency_2x3");
        assertThat(result.statistic()).isCloseTo(expected.path("chi2").path("s").asDouble(), within(1e-9));
        assertThat(result.pValue()).isCloseTo(expected.path("chi2").path("p").asDouble(), within(1e-14));
        assertThat(TwoSampleTests.cramersV(new long[] {90, 60, 50}, new long[] {30, 50, 70}))
                .isCloseTo(expected.path("cramers_v").asDouble(), within(1e-9));
    }

    @Test
    void populationStabilityIndexEqualsTheOracle() {
        double index = TwoSampleTests.populationStabilityIndex(
                new long[] {10_000, 20_000, 30_000, 25_000, 15_000},
                new long[] {5_000, 25_000, 25_000, 30_000, 15_000});
        assertThat(index).isCloseTo(oracle.path("divergence_P_Q").path("psi").asDouble(), within(1e-12));
    }

    @Test
    void adjustedPValuesEqualTheOracle() {
        double[] p = oracle.path("bh_fdr")
                .path("p")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        double[] expected = oracle.path("bh_fdr")
                .path("bh")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        assertThat(FalseDiscoveryRate.adjust(p)).containsExactly(expected, within(1e-12));
    }

    @Test
    void nothingIsEverNaN() {
        long[] none = new long[5];
        long[] some = {3, 0, 2, 0, 1};
        for (long[] reference : new long[][] {none, some}) {
            for (long[] current : new long[][] {none, some}) {
                assertThat(TwoSampleTests.kolmogorovSmirnov(reference, current).pValue())
                        .isBetween(0.0, 1.0);
                assertThat(TwoSampleTests.chiSquared(reference, current).pValue())
                        .isBetween(0.0, 1.0);
                assertThat(TwoSampleTests.populationStabilityIndex(reference, current))
                        .isFinite();
            }
        }
    }

    @Test
    void profilesMergeByAdditionInAnyOrder() {
        var random = new Random(7);
        var bins = Map.<String, Bins>of(
                "x",
                Bins.Numeric.fromReference(random.doubles(500).toArray(), 16),
                "c",
                new Bins.Categories(java.util.List.of("a", "b")));
        var whole = new WindowProfile(bins);
        var left = new WindowProfile(bins);
        var right = new WindowProfile(bins);
        for (int i = 0; i < 1000; i++) {
            var row = Map.of("x", random.nextGaussian(), "c", random.nextBoolean() ? "a" : "z");
            whole.add(row);
            (random.nextBoolean() ? left : right).add(row);
        }
        right.merge(left);
        assertThat(right.toString()).isEqualTo(whole.toString());
        assertThat(ProfileMaps.fromMap(ProfileMaps.toMap(whole)).toString()).isEqualTo(whole.toString());
    }
}
