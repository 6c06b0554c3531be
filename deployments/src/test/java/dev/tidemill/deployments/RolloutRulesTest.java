package dev.tidemill.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.deployments.domain.RolloutRules;
import dev.tidemill.deployments.domain.RolloutRules.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RolloutRulesTest {
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");
    private static final Policy.Promotion POLICY =
            new Policy.Promotion(0.02, Duration.ofDays(3), Duration.ofDays(4), Duration.ofDays(14), 0.2, 0.95, 48);

    private static Deployment in(Deployment.Phase phase) {
        return new Deployment(
                "p",
                "d",
                new Deployment.Definition("m", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()),
                1,
                Optional.of(1),
                Optional.of(START),
                Optional.of(2),
                phase,
                0,
                Optional.of(START),
                Optional.of(START),
                Optional.of(START));
    }

    private static Evidence evidence(int rows, double difference) {
        var random = new Random(3);
        List<Evidence.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            double champion = 40 + 10 * random.nextGaussian();
            pairs.add(new Evidence.Pair(champion, champion + difference + 3 * random.nextGaussian()));
        }
        return Evidence.of(pairs, 0.95, 192);
    }

    private static Outcome judge(Deployment.Phase phase, Evidence evidence, int days) {
        return RolloutRules.judge(in(phase), evidence, START.plus(Duration.ofDays(days)), POLICY)
                .outcome();
    }

    @Test
    void theGateLetsNoInferiorCandidateIn() {
        assertThat(RolloutRules.gate(41, 41, 0.02).outcome()).isEqualTo(Outcome.CANARY);
        assertThat(RolloutRules.gate(41.8, 41, 0.02).outcome()).isEqualTo(Outcome.CANARY);
        assertThat(RolloutRules.gate(42, 41, 0.02).outcome()).isEqualTo(Outcome.REJECT);
        assertThat(RolloutRules.gate(Double.NaN, 41, 0.02).outcome()).isEqualTo(Outcome.REJECT);
    }

    @Test
    void shadowTakesItsTimeAndItsRows() {
        assertThat(judge(Deployment.Phase.SHADOW, evidence(100, -5), 2)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(20, -5), 5)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(100, -5), 3)).isEqualTo(Outcome.CANARY);
    }

    @Test
    void aWorseChallengerLeavesAtOnce() {
        assertThat(judge(Deployment.Phase.SHADOW, evidence(60, 10), 1)).isEqualTo(Outcome.REJECT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(60, 10), 1)).isEqualTo(Outcome.REJECT);
    }

    @Test
    void promotionNeedsConfidence() {
        assertThat(judge(Deployment.Phase.CANARY, evidence(150, -5), 4)).isEqualTo(Outcome.PROMOTE);
        assertThat(judge(Deployment.Phase.CANARY, evidence(60, 0.7), 5)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(60, 0.7), 14)).isEqualTo(Outcome.REJECT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(0, 0), 14)).isEqualTo(Outcome.REJECT);
    }

    @Test
    void aChallengerThatFailsWhereTheChampionAnswersIsRejected() {
        assertThat(RolloutRules.reliable(new Reliability(100, 0)).outcome()).isEqualTo(Outcome.WAIT);
        assertThat(RolloutRules.reliable(new Reliability(4, 4)).outcome()).isEqualTo(Outcome.WAIT);
        assertThat(RolloutRules.reliable(new Reliability(5, 5)).outcome()).isEqualTo(Outcome.REJECT);
        assertThat(RolloutRules.reliable(new Reliability(1_000, 10)).outcome()).isEqualTo(Outcome.WAIT);
        RolloutRules.Verdict verdict = RolloutRules.reliable(new Reliability(1_000, 11));
        assertThat(verdict.outcome()).isEqualTo(Outcome.REJECT);
        assertThat(verdict.reason()).contains("11 of 1000 rows");
    }
}
