package dev.tidemill.monitoring.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Policy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RetrainRuleTest {
    private static final Instant START = Instant.parse("2026-04-01T00:00:00Z");
    private static final Monitor DAILY =
            new Monitor(Duration.ofDays(1), Duration.ofHours(1), Duration.ofHours(1), 0.5, 0.1);
    private static final Policy.Retrain POLICY =
            new Policy.Retrain("train", Map.of(), 0.15, 2, 3, Optional.of(Duration.ofDays(3)), Duration.ofHours(12));
    private static final List<ColumnFault> FAULTS = List.of(new ColumnFault("hour", 0.9, 0));

    private static ClosedWindow window(int day, boolean degraded, boolean broken) {
        Instant start = START.plus(Duration.ofDays(day));
        return new ClosedWindow(
                start,
                start.plus(Duration.ofDays(1)),
                1,
                24,
                24,
                Optional.of(degraded ? 3.0 : 1.0),
                Optional.of(1.0),
                degraded,
                broken,
                broken ? FAULTS : List.of(),
                Map.of(),
                Map.of());
    }

    /** @param days that have passed since the newest training and the last decision */
    private static RetrainRule.Judgement judge(List<ClosedWindow> windows, ClosedWindow last, int days) {
        Instant trusted = START.plus(Duration.ofDays(days));
        return RetrainRule.judge(POLICY, DAILY, windows, Optional.of(last), trusted, START, Optional.of(START));
    }

    @Test
    void lastingLossOfQualityRetrains() {
        var windows = new ArrayList<>(List.of(window(0, true, false)));
        assertThat(judge(windows, windows.getLast(), 1).reason()).isEmpty();
        windows.add(window(1, false, false));
        windows.add(window(2, true, false));
        assertThat(judge(windows, windows.getLast(), 2).reason().orElseThrow())
                .isEqualTo("quality fell in 2 of the last 3 windows: error 3.000 where the reference is 1.000");
    }

    @Test
    void oldTrainingDataRetrains() {
        ClosedWindow whole = window(0, false, false);
        assertThat(judge(List.of(whole), whole, 2).obstacle().orElseThrow().kind())
                .isEqualTo(Obstacle.Kind.QUALITY_HOLDS);
        assertThat(judge(List.of(whole), whole, 3).reason()).contains("the newest training is older than PT72H");
    }

    /** The window is no evidence against a champion that took over within it, but its data would be trained on. */
    @Test
    void brokenDataForbidsARetrainingWhoeverWasChampion() {
        ClosedWindow broken = window(0, false, true);
        RetrainRule.Judgement judgement = judge(List.of(), broken, 3);
        assertThat(judgement.reason()).isEmpty();
        assertThat(judgement.obstacle().orElseThrow().kind()).isEqualTo(Obstacle.Kind.BROKEN_WINDOW);
        assertThat(judge(List.of(window(1, true, false), window(2, true, false)), window(3, true, true), 4)
                        .obstacle()
                        .orElseThrow()
                        .kind())
                .isEqualTo(Obstacle.Kind.BROKEN_WINDOW);
    }

    @Test
    void withinTheCoolDownNothingIsJudged() {
        Instant trusted = START.plus(Duration.ofHours(11));
        ClosedWindow degraded = window(0, true, false);
        assertThat(RetrainRule.judge(
                                POLICY,
                                DAILY,
                                List.of(degraded, degraded, degraded),
                                Optional.of(degraded),
                                trusted,
                                START,
                                Optional.empty())
                        .obstacle()
                        .orElseThrow()
                        .kind())
                .isEqualTo(Obstacle.Kind.COOL_DOWN);
    }
}
