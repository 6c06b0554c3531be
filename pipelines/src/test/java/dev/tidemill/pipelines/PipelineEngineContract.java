package dev.tidemill.pipelines;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.pipelines.domain.Leases;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.RunRetention;
import dev.tidemill.pipelines.domain.RunState;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepRun;
import dev.tidemill.pipelines.domain.StepState;
import dev.tidemill.pipelines.domain.StepWorker;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the engine promises, on every database. */
abstract class PipelineEngineContract {
    private static final String PROJECT = "default";

    private static final Leases SHORT = new Leases(Duration.ofSeconds(5), Duration.ofMillis(500));

    private FailingDatabase database;
    private Path logs;
    private PipelinesModule module;
    private Pipelines pipelines;
    private StepWorker worker;
    private final AtomicInteger calls = new AtomicInteger();
    private final List<String> actors = new CopyOnWriteArrayList<>();
    private final Semaphore started = new Semaphore(0);
    private final Semaphore goOn = new Semaphore(0);

    abstract Database open();

    @BeforeEach
    void start() throws Exception {
        database = new FailingDatabase(open());
        logs = Files.createTempDirectory("logs");
        Clock clock = Clock.systemUTC();
        module = new PipelinesModule(database, new SqlEventLog(database, clock), clock, logs, 4, true);
        module.add(kind(
                "echo", true, context -> Map.of("value", context.inputs().getOrDefault("value", "none"))));
        module.add(kind("flaky", false, context -> {
            if (calls.get() < 3) {
                throw new TidemillException(ErrorCode.INTERNAL, "not yet");
            }
            return Map.of("value", "at last");
        }));
        module.add(kind("unstorable", false, context -> {
            throw new TidemillException(ErrorCode.INTERNAL, "it broke at 'a\0b'");
        }));
        module.add(kind("unstorable-bug", false, context -> {
            throw new IllegalStateException("it broke at '\ud83d'");
        }));
        module.add(kind("hang", false, context -> {
            actors.add(context.actor());
            Thread.sleep(Duration.ofMinutes(5));
            return Map.of();
        }));
        module.add(kind("chatter", false, context -> {
            for (int i = 0; i < 30_000; i++) {
                context.log("x".repeat(1000));
            }
            return Map.of();
        }));
        module.add(kind("held", false, context -> {
            started.release();
            goOn.acquire();
            return Map.of("value", "done");
        }));
        pipelines = module.pipelines();
        worker = module.worker(4, SHORT);
        worker.start();
    }

    @AfterEach
    void stop() {
        if (worker != null) {
            worker.close();
            database.close();
        }
    }

    private interface Work {
        Map<String, Object> run(StepContext context) throws InterruptedException;
    }

    private StepKind kind(String name, boolean cacheable, Work work) {
        return new StepKind() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Inputs inputs() {
                return new Inputs(Set.of(), Set.of("value"));
            }

            @Override
            public boolean cacheable() {
                return cacheable;
            }

            @Override
            public Map<String, Object> run(StepContext context) throws InterruptedException {
                calls.incrementAndGet();
                return work.run(context);
            }
        };
    }

    private static Pipeline.Step step(String name, String uses, List<String> needs, Map<String, Object> with) {
        return new Pipeline.Step(name, uses, needs, with, Map.of(), 0, Duration.ofMinutes(1), true);
    }

    private PipelineRun run(Pipeline pipeline) {
        String name = "p" + System.nanoTime();
        pipelines.define(PROJECT, name, 1, "digest", pipeline);
        return pipelines.start(PROJECT, name, Map.of(), "tester", Optional.empty(), Optional.empty());
    }

    private PipelineRun ended(PipelineRun run) {
        Await.until("run ends", () -> pipelines.run(PROJECT, run.id()).state().isFinal());
        return pipelines.run(PROJECT, run.id());
    }

    private StepRun stepOf(PipelineRun run, String name) {
        return pipelines.steps(run.id()).stream()
                .filter(step -> step.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void outputsFlowAlongTheGraphAndFanOutGathers() {
        var pipeline = new Pipeline(
                List.of(),
                List.of(
                        step("a", "echo", List.of(), Map.of("value", "one")),
                        new Pipeline.Step(
                                "fan",
                                "echo",
                                List.of("a"),
                                Map.of(),
                                Map.of("value", List.of(1, 2, 3)),
                                0,
                                Duration.ofMinutes(1),
                                true),
                        step("end", "echo", List.of("fan", "a"), Map.of("value", "${steps.fan.value}"))));
        PipelineRun run = ended(run(pipeline));
        assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
        assertThat(stepOf(run, "end").outputs()).isEqualTo(Map.of("value", List.of(1, 2, 3)));
    }

    @Test
    void expressionsInAMatrixHaveTheValuesOfTheRun() {
        var fan = new Pipeline.Step(
                "fan",
                "echo",
                List.of("a"),
                Map.of("value", "hidden by the matrix"),
                Map.of("value", List.of("exp-${parameters.tag}", "${steps.a.value}", List.of("${parameters.tag}"), 4)),
                0,
                Duration.ofMinutes(1),
                true);
        var tag = new Pipeline.Parameter("tag", Pipeline.Type.TEXT, Optional.of("red"));
        var pipeline = new Pipeline(List.of(tag), List.of(step("a", "echo", List.of(), Map.of("value", 2)), fan));
        PipelineRun run = ended(run(pipeline));
        assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
        List<Object> values = List.of("exp-red", 2, List.of("red"), 4);
        for (int i = 0; i < values.size(); i++) {
            assertThat(stepOf(run, "fan." + i).inputs()).isEqualTo(Map.of("value", values.get(i)));
            assertThat(stepOf(run, "fan." + i).outputs()).isEqualTo(Map.of("value", values.get(i)));
        }
    }

    @Test
    void equalInputsAreNotComputedTwice() {
        var pipeline = new Pipeline(List.of(), List.of(step("a", "echo", List.of(), Map.of("value", "same"))));
        ended(run(pipeline));
        int before = calls.get();
        PipelineRun again = ended(run(pipeline));
        assertThat(calls).hasValue(before);
        assertThat(stepOf(again, "a").cached()).isTrue();
    }

    @Test
    void failuresAreRetriedAsOftenAsAskedAndThenSkipWhatFollows() {
        var retried =
                new Pipeline.Step("flaky", "flaky", List.of(), Map.of(), Map.of(), 2, Duration.ofMinutes(1), true);
        PipelineRun good = ended(run(new Pipeline(List.of(), List.of(retried))));
        assertThat(good.state()).isEqualTo(RunState.SUCCEEDED);
        assertThat(stepOf(good, "flaky").attempt()).isEqualTo(3);

        calls.set(0);
        PipelineRun bad = ended(run(new Pipeline(
                List.of(),
                List.of(
                        step("flaky", "flaky", List.of(), Map.of()),
                        step("after", "echo", List.of("flaky"), Map.of())))));
        assertThat(bad.state()).isEqualTo(RunState.FAILED);
        assertThat(bad.error().orElse("")).contains("not yet");
        assertThat(stepOf(bad, "after").state()).isEqualTo(StepState.SKIPPED);

        calls.set(10);
        pipelines.resume(PROJECT, bad.id(), "tester");
        assertThat(ended(bad).state()).isEqualTo(RunState.SUCCEEDED);
    }

    @Test
    void aStepThatHangsIsEndedByItsTimeout() {
        var hanging = new Pipeline.Step("hang", "hang", List.of(), Map.of(), Map.of(), 0, Duration.ofMillis(200), true);
        PipelineRun run = ended(run(new Pipeline(List.of(), List.of(hanging))));
        assertThat(run.state()).isEqualTo(RunState.FAILED);
        assertThat(run.error().orElse("")).contains("did not end within");
    }

    @Test
    void cancellingStopsWhatRuns() {
        PipelineRun run = run(new Pipeline(
                List.of(),
                List.of(step("hang", "hang", List.of(), Map.of()), step("after", "echo", List.of("hang"), Map.of()))));
        Await.until("it runs", () -> stepOf(run, "hang").state() == StepState.RUNNING);
        pipelines.cancel(PROJECT, run.id(), "tester");
        assertThat(ended(run).state()).isEqualTo(RunState.CANCELLED);
        assertThat(stepOf(run, "after").state()).isEqualTo(StepState.CANCELLED);
    }

    @Test
    void aNewWorkerTakesUpWhatADeadOneLeft() {
        PipelineRun run = run(new Pipeline(List.of(), List.of(step("hang", "hang", List.of(), Map.of()))));
        Await.until("it runs", () -> stepOf(run, "hang").state() == StepState.RUNNING);
        worker.close();
        worker = module.worker(2, Leases.DEFAULT);
        worker.start();
        Await.until("it runs again", () -> stepOf(run, "hang").attempt() == 2);
        pipelines.cancel(PROJECT, run.id(), "tester");
        assertThat(ended(run).state()).isEqualTo(RunState.CANCELLED);
    }

    /** Who started a run is known to its steps, also to those that another worker takes up; who ends or resumes it is who does that. */
    @Test
    void whatAStepDoesIsByWhoeverStartedTheRun() {
        String name = "p" + System.nanoTime();
        pipelines.define(
                PROJECT,
                name,
                1,
                "digest",
                new Pipeline(List.of(), List.of(step("hang", "hang", List.of(), Map.of()))));
        PipelineRun run =
                pipelines.start(PROJECT, name, Map.of(), "user:mia/token:1", Optional.empty(), Optional.empty());
        Await.until("it runs", () -> actors.size() == 1);
        worker.close();
        worker = module.worker(2, Leases.DEFAULT);
        worker.start();
        Await.until("it runs again", () -> actors.size() == 2);
        pipelines.cancel(PROJECT, run.id(), "user:bob");
        assertThat(ended(run).state()).isEqualTo(RunState.CANCELLED);
        pipelines.resume(PROJECT, run.id(), "user:ida");
        Await.until("it is resumed", () -> actors.size() == 3);
        assertThat(actors).containsOnly("user:mia/token:1");
        assertThat(new SqlEventLog(database, Clock.systemUTC())
                        .after(0, 100).stream()
                                .map(StoredEvent::event)
                                .map(event -> event.actor() + " " + event.type()))
                .contains("user:bob pipeline.run.cancelling", "user:ida pipeline.run.resumed");
    }

    @Test
    void aStepThatPrintsWithoutEndFillsNoDisk() {
        PipelineRun run = ended(run(new Pipeline(List.of(), List.of(step("chatter", "chatter", List.of(), Map.of())))));
        assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
    }

    @Test
    void theSameRequestStartsOneRun() {
        pipelines.define(
                PROJECT, "once", 1, "digest", new Pipeline(List.of(), List.of(step("a", "echo", List.of(), Map.of()))));
        PipelineRun first = pipelines.start(PROJECT, "once", Map.of(), "tester", Optional.empty(), Optional.of("key"));
        PipelineRun second = pipelines.start(PROJECT, "once", Map.of(), "tester", Optional.empty(), Optional.of("key"));
        assertThat(second.id()).isEqualTo(first.id());
    }

    @Test
    void aRequestThatComesFromAllSidesStartsOneRun() {
        pipelines.define(
                PROJECT, "once", 1, "digest", new Pipeline(List.of(), List.of(step("a", "echo", List.of(), Map.of()))));
        var runs = Contention.of(
                        5,
                        (thread, turn) -> pipelines
                                .start(PROJECT, "once", Map.of(), "tester", Optional.empty(), Optional.of("key" + turn))
                                .id())
                .allAnswered();
        assertThat(runs.stream().distinct()).hasSize(5);
        runs.forEach(id ->
                Await.until("run ends", () -> pipelines.run(PROJECT, id).state().isFinal()));
    }

    @Test
    void aRunEndsHoweverManyOfItsStepsEndAtOnce() {
        var together = new java.util.concurrent.CyclicBarrier(4);
        module.add(kind("together", false, context -> {
            try {
                together.await(10, java.util.concurrent.TimeUnit.SECONDS);
            } catch (java.util.concurrent.BrokenBarrierException | java.util.concurrent.TimeoutException e) {
                throw new IllegalStateException(e);
            }
            return Map.of();
        }));
        var pipeline = new Pipeline(
                List.of(),
                List.of(
                        step("a", "together", List.of(), Map.of()),
                        step("b", "together", List.of(), Map.of()),
                        step("c", "together", List.of(), Map.of()),
                        step("d", "together", List.of(), Map.of())));
        for (int i = 0; i < 10; i++) {
            assertThat(ended(run(pipeline)).state()).isEqualTo(RunState.SUCCEEDED);
        }
    }

    private PipelineRun runUntilHeld() throws InterruptedException {
        PipelineRun run = run(new Pipeline(
                List.of(),
                List.of(step("held", "held", List.of(), Map.of()), step("after", "echo", List.of("held"), Map.of()))));
        started.acquire();
        return run;
    }

    private void awaitLeasesToEnd() throws InterruptedException {
        Thread.sleep(SHORT.length().multipliedBy(6).dividedBy(5));
    }

    @Test
    void anEndThatCannotBeCommittedIsCommittedOnceTheDatabaseIsBack() throws Exception {
        for (ErrorCode code : List.of(ErrorCode.UNAVAILABLE, ErrorCode.STORAGE_FULL)) {
            calls.set(0);
            PipelineRun run = runUntilHeld();
            database.failures.set(0);
            database.fail("step-", () -> new TidemillException(code, "away for the test"));
            goOn.release();
            awaitLeasesToEnd();
            assertThat(database.failures.get()).isGreaterThan(2);
            assertThat(stepOf(run, "held").state()).isEqualTo(StepState.RUNNING);
            database.recover();
            assertThat(ended(run).state()).isEqualTo(RunState.SUCCEEDED);
            assertThat(stepOf(run, "held").attempt())
                    .as("its work is not done again")
                    .isEqualTo(1);
            assertThat(stepOf(run, "held").outputs()).isEqualTo(Map.of("value", "done"));
        }
    }

    @Test
    void anEndThatCanNeverBeCommittedLeavesTheStepToTheNextAttempt() throws Exception {
        PipelineRun run = runUntilHeld();
        database.fail("step-held", () -> new IllegalStateException("broken for the test"));
        goOn.release();
        Await.until("given up", () -> started.availablePermits() > 0);
        database.recover();
        goOn.release(2);
        assertThat(ended(run).state()).isEqualTo(RunState.SUCCEEDED);
        assertThat(stepOf(run, "held").attempt()).isEqualTo(2);
    }

    /** No database keeps the character NUL or half a surrogate pair. */
    @Test
    void anErrorThatCannotBeStoredEndsItsStepToo() {
        for (String kind : List.of("unstorable", "unstorable-bug")) {
            calls.set(0);
            var step = new Pipeline.Step("broken", kind, List.of(), Map.of(), Map.of(), 1, Duration.ofMinutes(1), true);
            PipelineRun run = ended(run(new Pipeline(List.of(), List.of(step))));
            assertThat(run.state()).isEqualTo(RunState.FAILED);
            assertThat(stepOf(run, "broken").error().orElseThrow()).isNotBlank();
            assertThat(calls).hasValue(2);
        }
    }

    @Test
    void onlyLeasesOfAttemptsThatRunAreRenewed() throws Exception {
        PipelineRun run = runUntilHeld();
        awaitLeasesToEnd();
        assertThat(stepOf(run, "held").attempt())
                .as("a step that runs is not taken away")
                .isEqualTo(1);
        goOn.release();
        assertThat(ended(run).state()).isEqualTo(RunState.SUCCEEDED);
    }

    @Test
    void runsThatEndedLongAgoGoWithTheirStepsAndLogsAndLetGoOfWhatTheyHeld() {
        String digest = "ab".repeat(32);
        var pipeline = new Pipeline(
                List.of(),
                List.of(
                        step("a", "echo", List.of(), Map.of("value", digest)),
                        step("c", "chatter", List.of(), Map.of())));
        PipelineRun old = ended(run(pipeline));
        PipelineRun held = runUntilEndedOrHeld();
        var released = new ArrayList<String>();
        var deletions = new DeletionHold();
        var makers = new HashSet<String>();
        RunRetention retention = module.retention(steps -> makers, gone -> released.add(gone.value()), deletions);
        assertThat(retention.apply(Instant.now().minusSeconds(60), 0)).isEqualTo(new RunRetention.Removed(0, 0));
        assertThat(retention.apply(Instant.now().plusSeconds(60), 1))
                .as("the newest of each pipeline stays")
                .isEqualTo(new RunRetention.Removed(0, 1));
        makers.add(old.id().value() + "/a");
        assertThat(retention.apply(Instant.now().plusSeconds(60), 0))
                .as("what made something stays")
                .isEqualTo(new RunRetention.Removed(0, 0));
        makers.clear();
        try (DeletionHold.Held backup = deletions.hold()) {
            assertThat(retention.apply(Instant.now().plusSeconds(60), 0)).isEqualTo(new RunRetention.Removed(0, 0));
            assertThat(logs.resolve(old.id().value())).exists();
            assertThat(pipelines.run(PROJECT, old.id()).id()).isEqualTo(old.id());
        }
        assertThat(retention.apply(Instant.now().plusSeconds(60), 0)).isEqualTo(new RunRetention.Removed(1, 0));
        assertThat(released).contains(digest);
        assertThatThrownBy(() -> pipelines.run(PROJECT, old.id())).isInstanceOf(TidemillException.class);
        assertThat(pipelines.run(PROJECT, held.id()).state())
                .as("what runs stays")
                .isEqualTo(RunState.RUNNING);
        assertThat(logs.resolve(old.id().value())).doesNotExist();
        goOn.release();
        ended(held);
    }

    private PipelineRun runUntilEndedOrHeld() {
        try {
            return runUntilHeld();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
