package dev.tidemill.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ConfidenceSequenceTest {
    /** Looking after every observation, the true mean leaves the bounds in no more than alpha of all runs, or little more. */
    @Test
    void holdsAtEveryLookAtOnce() {
        var random = new Random(1);
        int runs = 1000;
        int misses = 0;
        for (int run = 0; run < runs; run++) {
            var sequence = new ConfidenceSequence(0.05, 200);
            boolean missed = false;
            for (int i = 0; i < 1000; i++) {
                sequence.add(random.nextGaussian() * 3 + 1);
                missed |= i >= 30 && (sequence.lower() > 1 || sequence.upper() < 1);
            }
            misses += missed ? 1 : 0;
        }
        // Three standard errors above alpha.
        assertThat(misses / (double) runs).isLessThan(0.05 + 3 * Math.sqrt(0.05 * 0.95 / runs));
    }

    @Test
    void findsARealDifference() {
        var random = new Random(2);
        var sequence = new ConfidenceSequence(0.05, 200);
        for (int i = 0; i < 400; i++) {
            sequence.add(random.nextGaussian() - 0.5);
        }
        assertThat(sequence.upper()).isNegative();
        assertThat(sequence.lower()).isGreaterThan(-1);
    }
}
