package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SequentialTTestTest {
    private static double[] series(Random random, int n, double mean, double correlation) {
        var values = new double[n];
        double state = random.nextGaussian();
        for (int i = 0; i < n; i++) {
            state = correlation * state + Math.sqrt(1 - correlation * correlation) * random.nextGaussian();
            values[i] = mean + state;
        }
        return values;
    }

    /** The closed form against the mixture that it stands for, integrated numerically over effect and scale. */
    @Test
    void theLikelihoodRatioIsTheMixture() {
        for (int n : new int[] {4, 9, 30}) {
            for (double t : new double[] {-2, 0, 1.5, 4}) {
                assertThat(SequentialTTest.logRatio(t, n))
                        .as("n %d, t %s", n, t)
                        .isCloseTo(Math.log(mixture(t, n)), within(2e-3));
            }
        }
    }

    /** Beside the bounds that are drawn from it: the ratio is as needed at the critical value, and the greatest one is not without. */
    @Test
    void theCriticalValueIsWhereTheLikelihoodRatioIsReached() {
        for (double n : new double[] {1.5, 4, 9.25, 30, 1_000, 100_000}) {
            for (double alpha : new double[] {0.5, 0.1, 0.05, 1e-3, 1e-9}) {
                double critical = SequentialTTest.critical(n, alpha);
                if (Double.isInfinite(critical)) {
                    assertThat(SequentialTTest.logRatio(1e9, n))
                            .as("n %s, alpha %s", n, alpha)
                            .isLessThan(-Math.log(alpha));
                } else {
                    assertThat(SequentialTTest.logRatio(critical, n))
                            .as("n %s, alpha %s", n, alpha)
                            .isCloseTo(-Math.log(alpha), within(1e-9));
                }
            }
        }
        assertThat(SequentialTTest.critical(4, 1e-9)).isInfinite();
        assertThat(SequentialTTest.critical(30, 0.05)).isFinite();
    }

    private static double mixture(double t, int n) {
        // Observations of mean m and standard deviation 1: S = n m, V = n - 1 + n m^2, with m = t / sqrt(n).
        double mean = t / Math.sqrt(n);
        double squares = n - 1 + n * mean * mean;
        double above = 0;
        double below = 0;
        double step = 0.004;
        for (double u = step / 2; u < 12; u += step) { // u = 1 / sigma
            double scale = (n - 1) * Math.log(u) - u * u * squares / 2;
            below += Math.exp(scale);
            double effects = 0;
            for (double d = 0.005; d < 8; d += 0.01) {
                effects += Math.exp(scale + d * u * n * mean - n * d * d / 2 - d * d / 2) * 0.01;
            }
            above += effects * 2 / Math.sqrt(2 * Math.PI);
        }
        return above / below;
    }

    @Test
    void boundsHoldAtEveryLookAlsoOnCorrelatedObservations() {
        for (double correlation : new double[] {0, 0.3, 0.5}) {
            var random = new Random(11);
            int wrong = 0;
            int trials = 1500;
            for (int trial = 0; trial < trials; trial++) {
                double[] values = series(random, 40, 7, correlation);
                boolean everWrong = false;
                for (int n = 7; n <= values.length && !everWrong; n++) {
                    everWrong = SequentialTTest.bounds(java.util.Arrays.copyOf(values, n), 0.95)
                                    .lower()
                            > 7;
                }
                wrong += everWrong ? 1 : 0;
            }
            double error = Math.sqrt(0.05 * 0.95 / trials);
            assertThat((double) wrong / trials)
                    .as("correlation %s", correlation)
                    .isLessThan(0.05 + 2 * error);
        }
    }

    /** Every confidence is either refused or gives bounds that mean something. */
    @Test
    void boundsEncloseTheMeanWhateverTheConfidence() {
        var random = new Random(3);
        for (double confidence : new double[] {0.5, 0.51, 0.7, 0.95, 0.9999}) {
            for (int n : new int[] {3, 4, 7, 30, 1_000}) {
                SequentialTTest.Bounds bounds = SequentialTTest.bounds(series(random, n, 1, 0), confidence);
                assertThat(bounds.lower()).as("%s of %d", confidence, n).isLessThanOrEqualTo(bounds.mean());
                assertThat(bounds.upper()).as("%s of %d", confidence, n).isGreaterThanOrEqualTo(bounds.mean());
            }
        }
        for (double confidence : new double[] {-1, 0, 0.1, 0.29, 0.4999, 1, 2, Double.NaN}) {
            assertThatThrownBy(() -> SequentialTTest.bounds(series(random, 30, 1, 0), confidence))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("[0.5, 1)");
        }
    }

    @Test
    void anEffectIsFound() {
        var random = new Random(5);
        int found = 0;
        for (int trial = 0; trial < 200; trial++) {
            found += SequentialTTest.bounds(series(random, 28, -1, 0), 0.95).upper() < 0 ? 1 : 0;
        }
        assertThat(found).isGreaterThan(160);
    }

    @Test
    void whereThereIsLittleNothingIsSaid() {
        for (int n = 0; n < 4; n++) {
            SequentialTTest.Bounds bounds = SequentialTTest.bounds(series(new Random(1), n, 100, 0), 0.95);
            assertThat(bounds.lower()).isEqualTo(Double.NEGATIVE_INFINITY);
            assertThat(bounds.upper()).isEqualTo(Double.POSITIVE_INFINITY);
        }
    }

    @Test
    void correlatedObservationsCountForLess() {
        SequentialTTest.Bounds free = SequentialTTest.bounds(series(new Random(2), 400, 0, 0), 0.95);
        SequentialTTest.Bounds bound = SequentialTTest.bounds(series(new Random(2), 400, 0, 0.5), 0.95);
        assertThat(free.effective()).isBetween(300.0, 400.0);
        assertThat(bound.autocorrelation()).isBetween(0.4, 0.6);
        assertThat(bound.effective()).isBetween(100.0, 180.0);
        assertThat(bound.upper() - bound.lower()).isGreaterThan(1.4 * (free.upper() - free.lower()));
    }

    /** Nothing has been seen of how much it varies, so nothing is known of what comes. */
    @Test
    void aConstantSeriesBoundsNothing() {
        SequentialTTest.Bounds bounds = SequentialTTest.bounds(new double[] {2, 2, 2, 2, 2, 2, 2, 2, 2}, 0.95);
        assertThat(bounds.mean()).isEqualTo(2);
        assertThat(bounds.lower()).isEqualTo(Double.NEGATIVE_INFINITY);
        assertThat(bounds.upper()).isEqualTo(Double.POSITIVE_INFINITY);
    }

    /** One event more than was seen, where it counts most; and the more rows without one, the nearer to none. */
    @Test
    void rareEventsAreBoundedAsIfOneMoreHadBeenSeen() {
        assertThat(SequentialTTest.upper(new double[10], 1, 0.95))
                .isGreaterThan(0.1)
                .isFinite();
        assertThat(SequentialTTest.upper(new double[100], 1, 0.95))
                .isGreaterThan(0.01)
                .isLessThan(SequentialTTest.upper(new double[10], 1, 0.95));
        assertThat(SequentialTTest.upper(new double[0], 1, 0.95)).isEqualTo(Double.POSITIVE_INFINITY);
        double[] seen = {0, 3, 0, 0, 1, 0, 0, 2, 0, 0};
        assertThat(SequentialTTest.upper(seen, 1, 0.95))
                .isEqualTo(SequentialTTest.bounds(new double[] {0, 4, 0, 0, 1, 0, 0, 2, 0, 0}, 0.95)
                        .upper());
    }
}
