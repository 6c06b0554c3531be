package dev.tidemill.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.GateEvidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.deployments.domain.RolloutRules;
import dev.tidemill.deployments.domain.RolloutRules.Outcome;
import dev.tidemill.deployments.domain.RolloutRules.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RolloutRulesTest {
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");
    private static final Policy.Promotion POLICY = new Policy.Promotion(
            0.02, Duration.ofDays(3), Duration.ofDays(4), Duration.ofDays(14), 0.2, 0.95, 48, Policy.Promotion.DAY, 7);

    /** Days of 24 rows each; the challenger's error is greater by the difference. */
    private static Evidence evidence(int days, double difference) {
        var random = new Random(3);
        List<Evidence.Sums> sums = new ArrayList<>();
        for (int day = 0; day < days; day++) {
            double champion = 24 * 40 + 40 * random.nextGaussian();
            double challenger = champion + 24 * (difference + 0.6 * random.nextGaussian());
            Instant start = START.plus(Duration.ofDays(day));
            sums.add(new Evidence.Sums(start, start.plus(Duration.ofDays(1)), 24, champion, challenger));
        }
        return Evidence.of(sums, START, START.plus(Duration.ofDays(days)), POLICY);
    }

    private static Outcome judge(Deployment.Phase phase, Evidence evidence, int days) {
        return RolloutRules.judge(phase, evidence, Duration.ofDays(days), POLICY)
                .outcome();
    }

    private static Verdict gate(Map<String, Double> metrics) {
        return RolloutRules.gate(GateEvidence.of(metrics), 0.02);
    }

    private static Evidence classes(int days, int rows, int[] champion, int[] challenger) {
        var sums = new ArrayList<Evidence.Sums>();
        for (int day = 0; day < days; day++) {
            Instant start = START.plus(Duration.ofDays(day));
            sums.add(new Evidence.Sums(
                    start,
                    start.plus(Duration.ofDays(1)),
                    rows,
                    champion[day % champion.length],
                    challenger[day % challenger.length],
                    true,
                    Evidence.Unlike.NONE));
        }
        return Evidence.of(sums, START, START.plus(Duration.ofDays(days)), POLICY);
    }

    /** Nothing has been seen to go wrong, which is not to say that nothing will. */
    @Test
    void classifiersThatHaveHardlyErredAreNotPromotedForThat() {
        int[] never = {0};
        assertThat(judge(Deployment.Phase.CANARY, classes(10, 10, never, never), 10))
                .isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, classes(10, 10, new int[] {0, 1}, new int[] {0, 1}), 10))
                .as("a challenger that gets the champion's rows wrong may get others wrong too")
                .isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, classes(10, 10, new int[] {10}, never), 10))
                .as("each block alike")
                .isEqualTo(Outcome.PROMOTE);
    }

    @Test
    void aClassifierThatIsFarBetterOrWorseIsDecided() {
        int[] bad = {30, 28, 35, 25};
        int[] good = {10, 12, 9};
        assertThat(judge(Deployment.Phase.CANARY, classes(10, 100, bad, good), 10))
                .isEqualTo(Outcome.PROMOTE);
        assertThat(judge(Deployment.Phase.CANARY, classes(10, 100, good, bad), 10))
                .isEqualTo(Outcome.REJECT);
    }

    /** However long it lasts, and whatever the rows say that are alike. */
    @Test
    void aTrialOfDifferentLossesIsNeverDecided() {
        for (double difference : new double[] {-20, 20}) {
            var sums = new ArrayList<Evidence.Sums>();
            for (int day = 0; day < 30; day++) {
                Instant start = START.plus(Duration.ofDays(day));
                double champion = 24 * 40 + day % 3;
                sums.add(new Evidence.Sums(
                        start,
                        start.plus(Duration.ofDays(1)),
                        24,
                        champion,
                        champion + 24 * difference,
                        false,
                        new Evidence.Unlike(day == 29 ? 1 : 0, 0)));
            }
            Evidence evidence = Evidence.of(sums, START, START.plus(Duration.ofDays(30)), POLICY);
            for (Deployment.Phase phase : List.of(Deployment.Phase.SHADOW, Deployment.Phase.CANARY)) {
                assertThat(RolloutRules.judge(phase, evidence, Duration.ofDays(30), POLICY))
                        .isEqualTo(new Verdict(
                                Outcome.WAIT,
                                "on 1 labelled rows the champion is scored by whether its class is right and the challenger by"
                                        + " the distance of its number from the label: such errors cannot be compared, so"
                                        + " nothing is decided"));
            }
        }
    }

    @Test
    void theGateLetsNoInferiorCandidateIn() {
        assertThat(gate(Map.of("error", 41.0, "champion_error", 41.0)).outcome())
                .isEqualTo(Outcome.CANARY);
        assertThat(gate(Map.of("error", 41.8, "champion_error", 41.0)).outcome())
                .isEqualTo(Outcome.CANARY);
        assertThat(gate(Map.of("error", 42.0, "champion_error", 41.0)))
                .isEqualTo(new Verdict(
                        Outcome.REJECT, "error 42.00 against the champion's 41.00 on held-out rows: inferior"));
        assertThat(gate(Map.of("error", Double.NaN, "champion_error", 41.0)).outcome())
                .isEqualTo(Outcome.REJECT);
    }

    /** The errors on all held-out rows and on those that the champion has not seen are not to be mixed up. */
    @Test
    void theGateComparesOnTheRowsThatTheChampionHasNotSeen() {
        assertThat(gate(Map.of(
                        "error", 35.0, "compared_error", 42.0, "champion_error", 41.0, "champion_unseen_rows", 100.0)))
                .isEqualTo(new Verdict(
                        Outcome.REJECT,
                        "error 42.00 against the champion's 41.00 on 100 held-out rows that neither was trained on:"
                                + " inferior"));
        assertThat(gate(Map.of(
                                "error",
                                45.0,
                                "compared_error",
                                40.0,
                                "champion_error",
                                41.0,
                                "champion_unseen_rows",
                                100.0))
                        .outcome())
                .isEqualTo(Outcome.CANARY);
    }

    @Test
    void whatCannotBeComparedIsNotCalledInferior() {
        Verdict verdict = gate(Map.of("error", 42.0, "champion_unseen_rows", 12.0, "champion_rows_needed", 48.0));
        assertThat(verdict.outcome()).isEqualTo(Outcome.CANARY);
        assertThat(verdict.reason()).contains("12").contains("48 are needed").contains("the shadow compares them");
        assertThat(gate(Map.of("error", 42.0)).reason())
                .doesNotContain("Infinity")
                .contains("was not measured");
        assertThat(gate(Map.of("error", 42.0, "champion_error", Double.NaN)).outcome())
                .isEqualTo(Outcome.CANARY);
    }

    @Test
    void shadowTakesItsTimeAndItsRows() {
        assertThat(judge(Deployment.Phase.SHADOW, evidence(5, -5), 2)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(1, -5), 5)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(3, -5), 3)).isEqualTo(Outcome.CANARY);
    }

    @Test
    void whatLooksWorseStaysInShadowUntilItIsShownToBe() {
        assertThat(judge(Deployment.Phase.SHADOW, evidence(4, 1.5), 4)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(4, 10), 4)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(14, 10), 8)).isEqualTo(Outcome.REJECT);
        assertThat(judge(Deployment.Phase.SHADOW, evidence(4, 1.5), 14)).isEqualTo(Outcome.REJECT);
    }

    @Test
    void aWorseChallengerLeavesOnceAWeekOfBlocksSaysSo() {
        assertThat(judge(Deployment.Phase.CANARY, evidence(6, 10), 1)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(14, 10), 1)).isEqualTo(Outcome.REJECT);
    }

    @Test
    void promotionNeedsConfidence() {
        assertThat(judge(Deployment.Phase.CANARY, evidence(14, -5), 4)).isEqualTo(Outcome.PROMOTE);
        assertThat(judge(Deployment.Phase.CANARY, evidence(14, -5), 3)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(10, 0.7), 10)).isEqualTo(Outcome.WAIT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(10, 0.7), 14)).isEqualTo(Outcome.REJECT);
        assertThat(judge(Deployment.Phase.CANARY, evidence(0, 0), 14)).isEqualTo(Outcome.REJECT);
    }

    @Test
    void theReasonNamesTheUnitOfAnalysis() {
        String reason = RolloutRules.judge(Deployment.Phase.CANARY, evidence(14, -5), Duration.ofDays(14), POLICY)
                .reason();
        assertThat(reason).contains("on 336 rows").contains("14 blocks of PT24H that count as");
        assertThat(evidence(14, -5).toMap())
                .containsEntry("blockLength", "PT24H")
                .containsEntry("blocks", 14);
    }

    @Test
    void aBlockThatIsNotCompleteDoesNotCount() {
        List<Evidence.Sums> hours = new ArrayList<>();
        for (int hour = 0; hour < 60; hour++) {
            Instant start = START.plus(Duration.ofHours(hour));
            hours.add(new Evidence.Sums(start, start.plus(Duration.ofHours(1)), 1, 2, 1));
        }
        Evidence evidence = Evidence.of(hours, START, START.plus(Duration.ofHours(60)), POLICY);
        assertThat(evidence.rows()).isEqualTo(48);
        assertThat(evidence.blocks()).isEqualTo(2);
        assertThat(evidence.championError()).isEqualTo(2);
        assertThat(evidence.challengerError()).isEqualTo(1);
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
