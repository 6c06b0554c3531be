package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Publications;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.ClosedWindow;
import dev.tidemill.monitoring.domain.ColumnFault;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.Obstacle;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.RunState;
import dev.tidemill.pipelines.store.SqlPipelineStore;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventQuery;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.store.Plans;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Why nothing happens to a deployment is told, one test a reason, on every database. */
abstract class ObstaclesContract extends AssembledMonitoring {
    /** With a reference profile, in which the hour is never missing, and an error on held-out data. */
    private static final int PROFILED = 3;
    /** Of which neither is known. */
    private static final int UNKNOWN = WHOLE;

    private final LabelledModels runtime = new LabelledModels();

    private static final Policy.Retrain RETRAIN =
            new Policy.Retrain("train", Map.of(), 0.15, 2, 3, Optional.empty(), Duration.ofHours(12));
    private static final Policy.Promotion PROMOTION = new Policy.Promotion(
            0.02, Duration.ofDays(1), Duration.ofDays(1), Duration.ofDays(9), 0.1, 0.95, 10, Policy.Promotion.DAY, 7);

    @Override
    List<ModelRuntime> runtimes() {
        return List.of(runtime);
    }

    @BeforeEach
    void profile() {
        String profile = """
                {"rows": 48, "columns": {"hour": {"edges": [0, 24, 1000], "counts": [0, 10, 20, 10, 8]},
                                         "place": {"values": ["here"], "counts": [24, 24, 0]}}}
                """;
        new SqlVersionStore(database)
                .insert(version(
                        PROFILED,
                        Folder.store(artifacts.blobs(), Map.of("tidemill/reference-profile.json", bytes(profile))),
                        Map.of("error", 2.0)));
        pipeline("until");
        policy(Optional.of(RETRAIN));
    }

    private void pipeline(String parameter) {
        pipelines.define(
                "p",
                "train",
                pipelines.list("p").size() + 1,
                parameter,
                new Pipeline(
                        List.of(new Pipeline.Parameter(parameter, Pipeline.Type.TIMESTAMP, Optional.empty())),
                        List.of()));
    }

    /** The pipeline is applied anew after the policy. */
    @Test
    void aPipelineThatThePolicyCannotStartAnyMoreIsNamed() {
        deployRuled("d", "rules");
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.RETRAINING_FAILED);
        pipeline("end");
        assertThat(obstacle(Obstacle.Kind.RETRAINING_FAILED).reason())
                .isEqualTo(
                        "policy 'rules' cannot retrain: pipeline 'train' cannot be started with what the policy gives it:"
                                + " Parameter 'end' has no default");
    }

    private void policy(Optional<Policy.Retrain> retrain) {
        deployments.definePolicy("p", "rules", 1, new Policy(retrain, PROMOTION, InputPolicy.REFUSE));
    }

    private List<Obstacle> obstacles() {
        return watching.obstacles().of(deployments.deployment("p", "d"));
    }

    private Obstacle obstacle(Obstacle.Kind kind) {
        return obstacles().stream()
                .filter(one -> one.kind() == kind)
                .findFirst()
                .orElseThrow(() -> new AssertionError(kind + " is none of " + obstacles()));
    }

    /** Hours of one day from a number on, of some of which the hour is missing. */
    private static List<Prediction> day(int day, int missing) {
        var rows = new ArrayList<Prediction>();
        for (int hour = 24 * day; hour < 24 * (day + 1); hour++) {
            Prediction row = prediction("d", "row-" + hour, Duration.ofHours(hour));
            boolean without = hour < 24 * day + missing;
            rows.add(new Prediction(
                    "p",
                    "d",
                    row.id(),
                    row.eventTime(),
                    row.receivedAt(),
                    without ? Map.of("place", "here") : Map.of("hour", (double) hour, "place", "here"),
                    false,
                    PROFILED,
                    List.of(1.0),
                    Optional.empty(),
                    List.of(),
                    Optional.empty()));
        }
        return rows;
    }

    private void label(int day, int rows) {
        label(day, rows, "2");
    }

    private void label(int day, int rows, String value) {
        var labels = new ArrayList<Label>();
        for (int hour = 24 * day; hour < 24 * day + rows; hour++) {
            labels.add(new Label("row-" + hour, value));
        }
        monitoring.label("p", "d", labels);
    }

    private void decideUntil(int days) {
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(days)).plus(Duration.ofHours(1)));
        settle("d");
    }

    private List<Event> events(String type) {
        return events
                .newest(new EventQuery(
                        Optional.of("p"),
                        Optional.of(type),
                        Optional.of("deployment/d"),
                        Optional.empty(),
                        Optional.empty(),
                        100))
                .items()
                .reversed()
                .stream()
                .map(stored -> stored.event())
                .toList();
    }

    @Test
    void aBrokenWindowIsToldWithItsColumnsUntilTheNextIsWhole() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 12));
        label(0, 24);
        decideUntil(1);
        Obstacle broken = obstacle(Obstacle.Kind.BROKEN_WINDOW);
        assertThat(broken.actionNeeded()).isTrue();
        assertThat(broken.from()).contains(START);
        assertThat(broken.until()).contains(START.plus(Duration.ofDays(1)));
        assertThat(broken.reason())
                .contains("'hour' is missing or of another type in 50.0 % of its 24 rows, in the reference in 0.0 %")
                .doesNotContain("place");
        assertThat(broken.remedy()).contains("missing-rise");
        assertThat(obstacles().getFirst()).isEqualTo(broken);
        ClosedWindow window =
                monitoring.windows("p", "d", CLOCK.instant(), 1).items().getFirst();
        assertThat(window.faults()).containsExactly(new ColumnFault("hour", 0.5, 0));

        Event told = events("monitor.data.broken").getFirst();
        assertThat(told.data().get("reason")).isEqualTo(broken.reason());
        assertThat(told.data().get("remedy")).isEqualTo(broken.remedy());
        assertThat(told.data().get("columns"))
                .isEqualTo(List.of(Map.of("column", "hour", "missing", 0.5, "reference", 0.0)));

        policy(Optional.empty());
        assertThat(obstacles()).extracting(Obstacle::kind).contains(Obstacle.Kind.NO_RETRAINING);
        assertThat(obstacles().getFirst()).isEqualTo(broken);
        policy(Optional.of(RETRAIN));

        monitoring.append(day(1, 0));
        label(1, 24);
        decideUntil(2);
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.BROKEN_WINDOW);
        monitoring.append(day(2, 0));
        decideUntil(3);
        assertThat(events("monitor.data.whole"))
                .extracting(event -> String.valueOf(event.data().get("from")))
                .containsExactly(START.plus(Duration.ofDays(1)).toString());
    }

    @Test
    void withoutLabelsOrWithTooFewNothingIsJudged() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 0));
        decideUntil(1);
        assertThat(obstacle(Obstacle.Kind.NO_LABELS).reason()).contains("any of the 24 rows");
        monitoring.append(day(1, 0));
        label(1, 11);
        decideUntil(2);
        Obstacle few = obstacle(Obstacle.Kind.TOO_FEW_LABELS);
        assertThat(few.reason()).contains("11 of the 24 rows", "0.5 (coverage)");
        assertThat(few.actionNeeded()).isTrue();
        monitoring.append(day(2, 0));
        label(2, 24);
        decideUntil(3);
        Obstacle holds = obstacle(Obstacle.Kind.QUALITY_HOLDS);
        assertThat(holds.reason()).contains("0 of the last 3 windows are degraded, and 2 of 3 would retrain");
        assertThat(obstacles()).noneMatch(Obstacle::actionNeeded);
        assertThat(obstacle(Obstacle.Kind.WAITING_FOR_DATA).reason()).contains("2011-04-04T01:00:00Z");
    }

    /** Labels that came are not said to be missing. */
    @Test
    void labelsThatCameAreToldOfWhereTheyCountInNothing() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 0));
        decideUntil(1);
        label(0, 20);
        Obstacle late = obstacle(Obstacle.Kind.LATE_LABELS);
        assertThat(late.reason())
                .contains("labels of 20 of the 24 rows", "in all 20 labels came later than PT1H (label-delay)");
        assertThat(late.remedy()).contains("raise 'label-delay'");
        assertThat(late.actionNeeded()).isTrue();

        List<Prediction> odd = day(1, 0).stream()
                .map(row -> new Prediction(
                        "p",
                        "d",
                        row.id(),
                        row.eventTime(),
                        row.receivedAt(),
                        row.features(),
                        false,
                        PROFILED,
                        List.of(Double.NaN),
                        Optional.empty(),
                        List.of(),
                        Optional.empty()))
                .toList();
        monitoring.append(odd);
        label(1, 22);
        decideUntil(2);
        Obstacle incomparable = obstacle(Obstacle.Kind.ANSWERS_NOT_COMPARABLE);
        assertThat(incomparable.reason()).contains("22 of the 24 rows", "version 3");
        assertThat(incomparable.actionNeeded()).isTrue();
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.NO_LABELS);
    }

    /** Of a large window a bounded part is looked at, and what is told holds of the whole. */
    @Test
    void ofALargeWindowALimitedPartIsLookedAt() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 0));
        decideUntil(1);
        label(0, 20);
        var range = new JournalStore.Range("p", "d", START, START.plus(Duration.ofDays(1)));
        var journal = new SqlJournalStore(database);
        var whole = journal.labels(range, 25);
        assertThat(whole.labelled()).isEqualTo(20);
        assertThat(whole.compared()).isEqualTo(20);
        assertThat(whole.all()).isTrue();
        assertThat(journal.labels(range, 1_000)).isEqualTo(whole);
        var part = journal.labels(range, 10);
        assertThat(part.labelled()).isBetween(6L, 10L);
        assertThat(part.all()).isFalse();
        assertThat(part.slowest()).isLessThanOrEqualTo(whole.slowest());
        // So many that a database does not rather read them all.
        var rows = new ArrayList<Prediction>();
        for (int day = 1; day < 100; day++) {
            rows.addAll(day(day, 0));
        }
        monitoring.append(rows);
        Plans.analyze(database);
        assertThat(Plans.of(database, () -> journal.labels(range, 10)))
                .singleElement()
                .satisfies(plan ->
                        assertThat(plan).contains("prediction_by_position").doesNotContain("TEMP B-TREE", "Sort"));
    }

    @Test
    void aVersionOfUnknownErrorIsHeldAgainstItsOwnFirstWindows() {
        deployRuled("d", "rules", UNKNOWN);
        watching.loop().start();
        for (int day = 0; day < 3; day++) {
            monitoring.append(day(day, 0));
            // An error of 1 in each; the second window has too few labels and measures nothing.
            label(day, day == 1 ? 2 : 24);
        }
        decideUntil(3);
        assertThat(obstacle(Obstacle.Kind.NO_REFERENCE_ERROR).reason())
                .contains("version 1 was registered without the metric 'error'", "first 3 windows");

        monitoring.append(day(3, 0));
        label(3, 24);
        decideUntil(4);
        monitoring.append(day(4, 0));
        label(4, 24, "3");
        decideUntil(5);

        List<ClosedWindow> windows =
                monitoring.windows("p", "d", CLOCK.instant(), 10).items();
        assertThat(windows)
                .extracting(ClosedWindow::referenceError)
                .containsExactly(
                        Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(1.0));
        assertThat(windows).extracting(ClosedWindow::degraded).containsExactly(false, false, false, false, true);
    }

    @Test
    void whatIsNotSetUpIsNamed() {
        deployments.define(
                "p",
                "d",
                new Deployment.Definition("m", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()));
        assertThat(obstacles())
                .extracting(Obstacle::kind)
                .containsExactly(Obstacle.Kind.NO_POLICY, Obstacle.Kind.NO_CHAMPION, Obstacle.Kind.NO_MONITOR);
        deploy("d", PROFILED);
        assertThat(obstacles())
                .extracting(Obstacle::kind)
                .containsExactly(Obstacle.Kind.NO_POLICY, Obstacle.Kind.NO_PREDICTIONS);
        policy(Optional.empty());
        deployRuled("d", "rules", PROFILED);
        monitoring.append(day(0, 0));
        assertThat(obstacle(Obstacle.Kind.NO_RETRAINING).reason()).contains("'retrain'");
    }

    @Test
    void beforeTheFirstWindowAndInTheCoolDownItIsSaidWhatIsWaitedFor() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 0).subList(0, 10));
        settle("d");
        assertThat(obstacle(Obstacle.Kind.COOL_DOWN).remedy()).contains("2011-04-01T12:00:00Z");
        monitoring.append(day(0, 0).subList(10, 20));
        settle("d");
        assertThat(obstacle(Obstacle.Kind.NO_WINDOW).remedy()).contains("PT24H closes when data has come to PT1H");
    }

    @Test
    void aChampionThatWasDeletedIsNamedAsSuch() {
        deployRuled("d", "rules", PROFILED);
        monitoring.append(day(0, 0));
        new SqlVersionStore(database).delete("p", "m", PROFILED, START);
        assertThat(obstacles()).extracting(Obstacle::kind).containsExactly(Obstacle.Kind.CHAMPION_DELETED);
        assertThat(obstacles().getFirst().reason()).contains("version 3 of 'm'");
    }

    @Test
    void whatTheTicksFailOfIsTold() {
        deployRuled("d", "rules", BROKEN);
        monitoring.append(hours("d", 0, 60));
        watching.loop().start();
        Await.until("it to be halted", () -> monitoring.isHalted("p", "d"));
        assertThat(obstacle(Obstacle.Kind.HALTED).reason()).contains("reference profile of version 2");
    }

    @Test
    void aTrialSaysHowManyRowsItStillNeeds() {
        deployTrial("d", "hourly", "rules");
        monitoring.append(hours("d", 0, 5));
        Obstacle few = obstacle(Obstacle.Kind.TOO_FEW_ROWS);
        assertThat(few.reason())
                .contains("version 2 is in shadow since 2011-04-01T00:00:00Z", "0 labelled rows", "10 (rows)");
        assertThat(few.actionNeeded()).isFalse();
    }

    /** Ends the newest run of the pipeline as its steps would. */
    private PipelineRun end(RunState state, Optional<String> error) {
        var store = new SqlPipelineStore(database);
        PipelineRun run = pipelines.start(
                "p", "train", Map.of("until", START.toString()), "user:ada", Optional.empty(), Optional.empty());
        assertThat(store.moveRun(run.id(), List.of(RunState.RUNNING), state, error, run.createdAt()))
                .isTrue();
        return run;
    }

    @Test
    void aRetrainingThatSomebodyStartedAndThatFailedIsToldUntilOneSucceeds() {
        deployRuled("d", "rules");
        PipelineRun failed = end(RunState.FAILED, Optional.of("step 'train': there are no rows"));
        assertThat(obstacle(Obstacle.Kind.RETRAINING_FAILED))
                .as("before anything was predicted too")
                .satisfies(told -> assertThat(told.reason())
                        .isEqualTo("the newest run of pipeline 'train', "
                                + failed.id().value() + " of user:ada, failed: step 'train': there are no rows"))
                .satisfies(told -> assertThat(told.remedy())
                        .contains("tidemill logs " + failed.id().value()))
                .satisfies(told -> assertThat(told.actionNeeded()).isTrue());
        end(RunState.SUCCEEDED, Optional.empty());
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.RETRAINING_FAILED);
    }

    @Test
    void aRetrainingThatIsGoneIsNoObstacle() {
        deployRuled("d", "rules", PROFILED);
        monitoring.append(day(0, 0));
        var store = new SqlMonitorStore(database);
        MonitorState state = store.findState("p", "d").orElseThrow();
        assertThat(store.saveProgress(state, withRun(state, Optional.of("0192f2c4"))))
                .isTrue();
        assertThat(obstacle(Obstacle.Kind.RETRAINING_RUNS).reason()).contains("0192f2c4");
        MonitorState running = store.findState("p", "d").orElseThrow();
        assertThat(store.saveProgress(running, withRun(running, Optional.empty())))
                .isTrue();
        assertThat(store.findState("p", "d").orElseThrow().lastRun()).contains("0192f2c4");
        assertThat(obstacles())
                .extracting(Obstacle::kind)
                .doesNotContain(Obstacle.Kind.RETRAINING_FAILED, Obstacle.Kind.RETRAINING_RUNS);
    }

    @Test
    void aChampionThatCannotBeLoadedIsToldFirstUntilItCanBe() {
        deployRuled("d", "rules", PROFILED);
        Deployment deployment = deployments.deployment("p", "d");
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.NOT_SERVED);
        runtime.fail(PROFILED);
        deployments.retry("p", "d");
        Await.until("it is broken", () -> deployments.status(deployment).state() == Publications.State.BROKEN);
        Obstacle first = obstacles().getFirst();
        assertThat(first.kind()).isEqualTo(Obstacle.Kind.NOT_SERVED);
        assertThat(first.actionNeeded()).isTrue();
        assertThat(first.reason())
                .contains("the champion, m/" + PROFILED + ", cannot be loaded", "The process of the model ended");
        assertThat(first.remedy()).contains("Restore what is missing", "tried again at", "/deployments/d/retry");
        runtime.fail(-1);
        deployments.retry("p", "d");
        Await.until("it is served", () -> deployments.status(deployment).state() == Publications.State.SERVING);
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.NOT_SERVED);
    }

    private static MonitorState withRun(MonitorState state, Optional<String> run) {
        return new MonitorState(
                state.project(),
                state.deployment(),
                state.clock(),
                state.processed(),
                state.windowsTill(),
                state.slicedTill(),
                run,
                run.or(state::lastRun),
                state.trainedTill(),
                state.lateLabels(),
                state.halt());
    }

    @Test
    void predictionsThatAreHeldAreCounted() {
        deployRuled("d", "rules", PROFILED);
        monitoring.append(day(0, 0));
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(1)));
        Instant ahead = CLOCK.instant().plus(Duration.ofDays(2));
        monitoring.append(List.of(prediction("d", "fast", Duration.between(START, ahead))));
        Obstacle held = obstacle(Obstacle.Kind.QUARANTINED_PREDICTIONS);
        assertThat(held.reason()).contains("1 predictions are held", "clock is fast");
    }

    /** A declared watermark, which is of the past, and live calls without event_time after it: when it was declared a while ago. */
    @Test
    void liveCallsAfterAReplayAreHeldAndThenMoveEventTimeOn() {
        deployRuled("d", "rules", PROFILED);
        watching.loop().start();
        monitoring.append(day(0, 0));
        monitoring.declareWatermark("p", "d", START.plus(Duration.ofDays(1)));
        settle("d");
        assertThat(obstacle(Obstacle.Kind.WAITING_FOR_DATA).remedy())
                .contains("the next watermark that is declared", "live calls once none has been declared for 14 days");
        for (int minute = 0; minute < 30; minute++) {
            monitoring.append(List.of(live(Duration.ofMinutes(minute))));
        }
        assertThat(obstacle(Obstacle.Kind.QUARANTINED_PREDICTIONS).reason()).contains("30 predictions are held");
        assertThat(obstacle(Obstacle.Kind.QUARANTINED_PREDICTIONS).remedy())
                .contains("If the calls are live now", "declared for 14 days", "declare one");
        assertThat(clock("d").watermark()).isEqualTo(START.plus(Duration.ofDays(1)));

        Duration later = EventClock.SILENCE.plusHours(1);
        monitoring.append(List.of(live(later)));
        assertThat(clock("d").declared()).isFalse();
        assertThat(clock("d").watermark()).isEqualTo(CLOCK.instant().plus(later));
        assertThat(clock("d").quarantined()).isZero();
        assertThat(obstacles()).extracting(Obstacle::kind).doesNotContain(Obstacle.Kind.QUARANTINED_PREDICTIONS);
    }

    private static Prediction live(Duration after) {
        Prediction call = prediction(
                "d", "live-" + after, Duration.between(START, CLOCK.instant()).plus(after));
        return new Prediction(
                call.project(),
                call.deployment(),
                call.id(),
                call.eventTime(),
                call.eventTime(),
                call.features(),
                false,
                PROFILED,
                List.of(1.0),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    /** Calls without event_time count at the moment of the call, so that what is past comes far behind them. */
    @Test
    void ofAReplayAfterCallsWithoutEventTimeTheCauseAndTheWayOutAreTold() {
        deployRuled("d", "rules", PROFILED);
        monitoring.append(IntStream.range(0, 30)
                .mapToObj(call -> prediction("d", "live-" + call, Duration.ofDays(300)))
                .toList());
        monitoring.append(day(0, 0));
        Obstacle held = obstacle(Obstacle.Kind.QUARANTINED_PREDICTIONS);
        assertThat(held.reason())
                .contains("24 predictions are held", "far behind where the data begins", "calls without event_time");
        assertThat(held.remedy()).contains("Send event_time with every call", "begins anew");
    }
}
