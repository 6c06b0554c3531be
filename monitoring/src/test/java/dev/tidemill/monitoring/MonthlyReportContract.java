package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.MonthReport;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the report of a deployment tells by month, on every database. */
abstract class MonthlyReportContract extends AssembledMonitoring {
    @Override
    List<ModelRuntime> runtimes() {
        return List.of(new LabelledModels());
    }

    @BeforeEach
    void deployOne() {
        deploy("d");
    }

    private static Prediction row(String id, Duration after, double champion, boolean challengerServed) {
        return new Prediction(
                "p",
                "d",
                id,
                START.plus(after),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", (double) after.toHours()),
                challengerServed,
                1,
                List.of(champion),
                challengerServed ? Optional.of(2) : Optional.empty(),
                challengerServed ? List.of(champion + 1) : List.of(),
                Optional.empty());
    }

    private void decide(String deployment, Decision.Action action, String reason, String at) {
        new SqlDeploymentStore(database)
                .addDecision(
                        "p",
                        deployment,
                        new Decision(
                                0,
                                Optional.of(Instant.parse(at)),
                                CLOCK.instant(),
                                action,
                                Optional.of(2),
                                reason,
                                Map.of(),
                                "system"),
                        Optional.empty());
    }

    private static void assertRefused(ErrorCode code, Runnable action) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    /** Against sums made here: what was served, be it the challenger's, beside the baseline on the very same rows. */
    @Test
    void errorsAreMeansOverTheLabelledRowsOfAMonth() {
        var random = new Random(8);
        var rows = new ArrayList<Prediction>();
        var labels = new ArrayList<Label>();
        var expected = new TreeMap<String, double[]>();
        for (int i = 0; i < 500; i++) {
            Duration after = Duration.ofHours(i * 3L);
            boolean challengerServed = random.nextInt(3) == 0;
            double champion = random.nextInt(100);
            rows.add(row("row-" + i, after, champion, challengerServed));
            if (random.nextInt(4) > 0) {
                int label = random.nextInt(100);
                labels.add(new Label("row-" + i, String.valueOf(label)));
                double[] sum =
                        expected.computeIfAbsent(START.plus(after).toString().substring(0, 7), month -> new double[3]);
                sum[0]++;
                sum[1] += Math.abs(champion + (challengerServed ? 1 : 0) - label);
                sum[2] += Math.abs(2.0 * after.toHours() - label);
            }
        }
        monitoring.append(rows);
        // Held as far ahead, so that it counts in nothing, labelled or not.
        monitoring.append(List.of(row("odd", Duration.ofDays(250), 1, false)));
        labels.add(new Label("odd", "1"));
        assertThat(monitoring.label("p", "d", labels).accepted()).isEqualTo(labels.size());
        List<MonthReport> report = monitoring.monthly("p", "d", LabelledModels.REGRESSION);
        assertThat(report).extracting(MonthReport::month).containsExactlyElementsOf(expected.keySet());
        assertThat(report).hasSizeGreaterThan(2).allSatisfy(month -> {
            double[] sum = expected.getOrDefault(month.month(), new double[3]);
            assertThat(month.rows()).isEqualTo((long) sum[0]);
            assertThat(month.served()).isCloseTo(sum[1] / sum[0], within(1e-9));
            assertThat(month.baseline()).isCloseTo(sum[2] / sum[0], within(1e-9));
        });
    }

    private void labelled(int... days) {
        for (int day : days) {
            monitoring.append(List.of(row("day-" + day, Duration.ofDays(day), 1, false)));
            monitoring.label("p", "d", List.of(new Label("day-" + day, "1")));
        }
    }

    @Test
    void decisionsCountInTheMonthWhoseDataTheyRestOn() {
        labelled(0, 5, 10, 15, 20, 25, 30, 35);
        decide("d", Decision.Action.DEPLOYED, "the first version", "2011-04-01T00:00:00Z");
        decide("d", Decision.Action.SHADOWED, "error 1 against 2", "2011-04-03T00:00:00Z");
        decide("d", Decision.Action.CANARIED, "not inferior", "2011-04-05T00:00:00Z");
        // The data up to midnight is that of the month before.
        decide("d", Decision.Action.PROMOTED, "not inferior", "2011-05-01T00:00:00Z");
        decide("d", Decision.Action.REJECTED, "at the gate: inferior", "2011-05-02T00:00:00Z");
        decide("d", Decision.Action.SHADOWED, "error 1 against 2", "2011-05-03T00:00:00Z");
        decide("d", Decision.Action.REJECTED, "worse than the champion", "2011-05-04T00:00:00Z");
        decide("d", Decision.Action.ROLLED_BACK, "asked for", "2011-05-05T00:00:00Z");
        assertThat(monitoring.monthly("p", "d", 1))
                .containsExactly(
                        new MonthReport("2011-04", 6, 0, baseline(0, 5, 10, 15, 20, 25), 1, 1, 0),
                        new MonthReport("2011-05", 2, 0, baseline(30, 35), 2, 0, 2));
    }

    private static double baseline(int... days) {
        double sum = 0;
        for (int day : days) {
            sum += Math.abs(2.0 * 24 * day - 1);
        }
        return sum / days.length;
    }

    @Test
    void decisionsOfADeletedDeploymentDoNotCountForTheNextOfItsName() {
        deploy("other");
        labelled(0);
        decide("d", Decision.Action.SHADOWED, "error 1 against 2", "2011-04-03T00:00:00Z");
        decide("d", Decision.Action.PROMOTED, "not inferior", "2011-04-04T00:00:00Z");
        decide("other", Decision.Action.PROMOTED, "not inferior", "2011-04-04T00:00:00Z");
        deployments.delete("p", "d", "user:ada");
        deploy("d");
        labelled(0);
        assertThat(monitoring.monthly("p", "d", 1)).containsExactly(new MonthReport("2011-04", 1, 0, 1, 0, 0, 0));
        assertThat(rollouts.lastFinalDecision("p", "d")).isEmpty();
        assertThat(rollouts.lastFinalDecision("p", "other")).isPresent();
    }

    /** A baseline that gives no number for a row says nothing of it, and neither does what was served there. */
    @Test
    void rowsOnWhichTheBaselineGivesNoNumberAreLeftOut() {
        labelled(0);
        monitoring.append(List.of(new Prediction(
                "p",
                "d",
                "odd",
                START.plusSeconds(60),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", Double.MAX_VALUE),
                false,
                1,
                List.of(7.0),
                Optional.empty(),
                List.of(),
                Optional.empty())));
        monitoring.label("p", "d", List.of(new Label("odd", "1")));
        assertThat(monitoring.monthly("p", "d", 1)).containsExactly(new MonthReport("2011-04", 1, 0, 1, 0, 0, 0));
    }

    /** As labels were taken before: it has a loss of its time, and is no number for the baseline. */
    @Test
    void aLabelThatWouldNotBeTakenTodayIsLeftOut() {
        labelled(0);
        labelled(1);
        database.<Integer>writing(handle ->
                handle.execute("UPDATE prediction SET label = '+2' WHERE event_time > " + START.toEpochMilli()));
        assertThat(monitoring.monthly("p", "d", 1)).containsExactly(new MonthReport("2011-04", 1, 0, 1, 0, 0, 0));
    }

    @Test
    void aBaselineThatAnswersAClassIsComparedByIt() {
        for (int hour : new int[] {1, 13}) {
            monitoring.append(List.of(new Prediction(
                    "p",
                    "d",
                    "hour-" + hour,
                    START.plus(Duration.ofHours(hour)),
                    START.plus(Duration.ofDays(300)),
                    Map.of("hour", (double) hour),
                    false,
                    LabelledModels.CHOOSING,
                    List.of("yes"),
                    Optional.empty(),
                    List.of(),
                    Optional.empty())));
            monitoring.label("p", "d", List.of(new Label("hour-" + hour, "no")));
        }
        assertThat(monitoring.monthly("p", "d", LabelledModels.CHOOSING))
                .containsExactly(new MonthReport("2011-04", 2, 1, 0.5, 0, 0, 0));
    }

    private static Prediction numbered(int hour) {
        return new Prediction(
                "p",
                "d",
                "hour-" + hour,
                START.plus(Duration.ofHours(hour)),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", (double) hour),
                false,
                LabelledModels.NUMBERED,
                List.of(3.0),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    /** It cannot have been right. */
    @Test
    void aClassThatTheBaselineDoesNotKnowCountsAsWrong() {
        monitoring.append(List.of(numbered(13), numbered(14)));
        monitoring.label("p", "d", List.of(new Label("hour-13", "3"), new Label("hour-14", "1")));
        assertThat(monitoring.monthly("p", "d", LabelledModels.FEWER))
                .containsExactly(new MonthReport("2011-04", 2, 0.5, 0.5, 0, 0, 0));
    }

    /** An error rate stands beside no distance. */
    @Test
    void rowsThatAreScoredOtherwiseThanTheBaselineAreLeftOut() {
        labelled(0);
        monitoring.append(List.of(numbered(13)));
        monitoring.label("p", "d", List.of(new Label("hour-13", "3")));
        assertThat(monitoring.monthly("p", "d", LabelledModels.REGRESSION))
                .containsExactly(new MonthReport("2011-04", 1, 0, 1, 0, 0, 0));
    }

    @Test
    void whereNothingIsLabelledThereIsNothingToReport() {
        assertThat(monitoring.monthly("p", "d", 1)).isEmpty();
        monitoring.append(List.of(row("a", Duration.ofDays(1), 1, false)));
        assertThat(monitoring.monthly("p", "d", 1)).isEmpty();
    }

    @Test
    void whatIsNotThereOrCannotBeComparedIsRefused() {
        labelled(0);
        assertRefused(ErrorCode.NOT_FOUND, () -> monitoring.monthly("p", "other", 1));
        assertRefused(ErrorCode.NOT_FOUND, () -> monitoring.monthly("p", "d", 9));
        // A number is no label of a classifier.
        assertRefused(ErrorCode.INVALID_ARGUMENT, () -> monitoring.monthly("p", "d", LabelledModels.CLASSIFIER));
    }
}
