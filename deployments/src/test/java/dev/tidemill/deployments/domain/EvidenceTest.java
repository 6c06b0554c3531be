package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EvidenceTest {
    private static final Instant SINCE = Instant.parse("2026-03-01T00:00:00Z");
    private static final int DAYS = 40;

    private static Evidence evidence(double margin, boolean byClass, double champion, double challenger) {
        var policy = new Policy.Promotion(
                margin,
                Duration.ofDays(3),
                Duration.ofDays(3),
                Duration.ofDays(60),
                0.2,
                0.95,
                48,
                Policy.Promotion.DAY,
                Policy.Promotion.WEEK_OF_DAYS);
        List<Evidence.Sums> sums = IntStream.range(0, DAYS)
                .mapToObj(day -> new Evidence.Sums(
                        SINCE.plus(Duration.ofDays(day)),
                        SINCE.plus(Duration.ofDays(day + 1)),
                        100,
                        champion * (day % 3),
                        challenger * (day % 2),
                        byClass,
                        Evidence.Unlike.NONE))
                .toList();
        return Evidence.of(sums, SINCE, SINCE.plus(Duration.ofDays(DAYS)), policy);
    }

    /** The error that the lower bound takes as seen is the champion's, and the margin is a share of that. */
    @Test
    void oneErrorMoreWeighsAsTheErrorsOfItsSideDo() {
        Evidence plain = evidence(0, true, 0, 0);
        Evidence wide = evidence(1, true, 0, 0);
        assertThat(plain.lower()).isNegative();
        assertThat(wide.lower()).isCloseTo(2 * plain.lower(), within(1e-12));
        assertThat(wide.upper()).isEqualTo(plain.upper()).isPositive();
    }

    @Test
    void theBoundsAreAboutTheExcessBeyondTheMargin() {
        Evidence evidence = evidence(0.1, false, 10, 15);
        assertThat(evidence.championError()).isCloseTo(10 * 39 / (DAYS * 100.0), within(1e-12));
        assertThat(evidence.challengerError()).isCloseTo(15 * 20 / (DAYS * 100.0), within(1e-12));
        double excess = evidence.challengerError() - 1.1 * evidence.championError();
        assertThat(evidence.lower()).isLessThan(excess);
        assertThat(evidence.upper()).isGreaterThan(excess);
        assertThat(evidence.blocks()).isEqualTo(DAYS);
    }

    @Test
    void aBlockThatLabelsHaveNotPassedIsLeftOut() {
        var policy = new Policy.Promotion(
                0, Duration.ZERO, Duration.ZERO, Duration.ofDays(1), 0.2, 0.95, 1, Policy.Promotion.DAY, 7);
        var first = new Evidence.Sums(SINCE, SINCE.plus(Duration.ofHours(1)), 5, 1, 1);
        var second = new Evidence.Sums(SINCE.plus(Duration.ofDays(1)), SINCE.plus(Duration.ofHours(25)), 7, 1, 1);
        Evidence evidence = Evidence.of(List.of(first, second), SINCE, SINCE.plus(Duration.ofHours(47)), policy);
        assertThat(evidence.rows()).isEqualTo(5);
        assertThat(evidence.blocks()).isEqualTo(1);
    }
}
