package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.TableSink;
import dev.tidemill.inference.domain.ServedPlans.Serving;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlannedCallsTest {
    private final TableSink sink = new TableSink();
    private final PredictionJournal journal = new PredictionJournal(sink);
    private final CallRecords records = new CallRecords(new PayloadLog(List.of(), 0), Clock.systemUTC());
    private final WaitingRoom room = new WaitingRoom();
    private final List<LoadedEntry> entries = new ArrayList<>();

    private ShadowCalls shadows = new ShadowCalls();

    @AfterEach
    void close() {
        shadows.close();
        journal.close();
    }

    private List<Prediction> journalled() {
        return List.copyOf(sink.rows().values());
    }

    private PlannedCalls calls() {
        return new PlannedCalls(journal, records, FeatureLookup.NONE, shadows, Clock.systemUTC());
    }

    private ModelHandle handle(LoadedModel model) {
        var entry = new LoadedEntry(room.line());
        entry.retain();
        entries.add(entry);
        entry.loaded().complete(model);
        return new ModelHandle(entry);
    }

    private static ServedVersion version(int number) {
        return new ServedVersion("default", "m", number, new Digest("0".repeat(64)), false);
    }

    private Serving serving(FunctionModel champion, FunctionModel challenger, double share) {
        return serving(champion, challenger, share, false);
    }

    private Serving serving(FunctionModel champion, FunctionModel challenger, double share, boolean durable) {
        var trial = new ServingPlan.Challenger(version(2), share);
        var plan = new ServingPlan("default", "d", 1, version(1), Optional.of(trial), durable, InputPolicy.REFUSE);
        return new Serving(plan, handle(champion), Optional.of(handle(challenger)));
    }

    private static InferenceRequest request(String id) {
        return InferenceRequest.of(
                Optional.of(id),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.numbers("x", Datatype.FP64, new long[] {1}, new double[] {3})),
                Instant.EPOCH);
    }

    private static double refused(double x) {
        throw TidemillException.invalid("x", x + " is refused");
    }

    private static double broken(double x) {
        throw new IllegalStateException("broken at " + x);
    }

    private static InferenceRequest many(String id, int rows) {
        return InferenceRequest.of(
                Optional.of(id),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.numbers("x", Datatype.FP64, new long[] {rows}, new double[rows])),
                Instant.EPOCH);
    }

    @Test
    void oneRequestMakesNoMoreEntriesThanAStatedNumber() {
        int rows = JournalEntries.MOST_ROWS + 500;
        Serving open = serving(new FunctionModel(x -> x + 1), new FunctionModel(x -> x), 0);
        InferenceAnswer answer =
                calls().answer(open, false, false, many("many", rows)).orElseThrow();
        assertThat(answer.outputs().getFirst().rows()).isEqualTo(rows);
        assertThat(journal.dropped("default", "d")).isGreaterThanOrEqualTo(500);
        journal.flush("default", "d");
        assertThat(journalled()).hasSizeLessThanOrEqualTo(JournalEntries.MOST_ROWS);
        long kept = journal.dropped("default", "d") + journalled().size();
        assertThat(kept).as("kept or counted").isEqualTo(rows);
    }

    @Test
    void aDurableJournalRefusesARequestOfWhichItWouldNotKeepEveryRow() {
        var model = new FunctionModel(x -> x + 1);
        Serving durable = serving(model, new FunctionModel(x -> x), 0, true);
        assertThatThrownBy(() -> calls().answer(durable, false, false, many("many", JournalEntries.MOST_ROWS + 1)))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("20001 rows");
        var wide = InferenceRequest.of(
                Optional.of("wide"),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.numbers("x", Datatype.FP64, new long[] {1, 200_000}, new double[200_000])),
                Instant.EPOCH);
        assertThat(calls().answer(durable, false, false, many("none", 0))).isPresent();
        assertThat(journal.isLost("default", "d", "none")).isFalse();
        assertThat(JournalEntries.kept(wide, wide.inputs(), true, 0)).isOne();
        assertThat(JournalEntries.kept(wide, wide.inputs(), false, 0)).isZero();
        assertThat(journal.dropped("default", "d")).isZero();
    }

    @Test
    void aChallengerInShadowIsAskedAfterTheAnswer() {
        FunctionModel challenger = held();
        Serving serving = serving(new FunctionModel(x -> x + 1), challenger, 0);
        InferenceAnswer answer =
                calls().answer(serving, false, false, request("a")).orElseThrow();
        // It is here although the challenger has not begun.
        assertThat(answer.outputs().getFirst().number(0)).isEqualTo(4);
        assertThat(answer.version()).isEqualTo(version(1));
        assertThat(journalled()).isEmpty();
        challenger.gate.countDown();
        journal.flush("default", "d");
        Prediction row = journalled().getFirst();
        assertThat(row.champion()).containsExactly(4.0);
        assertThat(row.challenger()).containsExactly(5.0);
        assertThat(row.challengerVersion()).contains(2);
        assertThat(row.challengerError()).isEmpty();
    }

    @Test
    void itsFailureIsEvidenceAgainstItAndNotTheCallers() {
        for (DoubleUnaryOperator failing :
                List.<DoubleUnaryOperator>of(PlannedCallsTest::refused, PlannedCallsTest::broken)) {
            sink.clear();
            InferenceAnswer answer = calls().answer(
                            serving(new FunctionModel(x -> x + 1), new FunctionModel(failing), 0),
                            false,
                            false,
                            request("a"))
                    .orElseThrow();
            assertThat(answer.outputs().getFirst().number(0)).isEqualTo(4);
            journal.flush("default", "d");
            Prediction row = journalled().getFirst();
            assertThat(row.challengerVersion()).contains(2);
            assertThat(row.challenger()).isEmpty();
            assertThat(row.challengerError().orElseThrow()).contains("3.0");
            assertThat(row.champion()).containsExactly(4.0);
        }
        assertThat(records.live("default", "d").snapshot().shadowFailures()).isEqualTo(2);
    }

    @Test
    void whereTheChallengerWouldAnswerAndFailsTheChampionDoes() {
        InferenceAnswer answer = calls().answer(
                        serving(new FunctionModel(x -> x + 1), new FunctionModel(PlannedCallsTest::refused), 1),
                        true,
                        false,
                        request("a"))
                .orElseThrow();
        assertThat(answer.route()).isEqualTo(Route.CHAMPION);
        assertThat(answer.outputs().getFirst().number(0)).isEqualTo(4);
        journal.flush("default", "d");
        assertThat(journalled().getFirst().challengerServed()).isFalse();
        assertThat(journalled().getFirst().challengerError()).isPresent();
    }

    @Test
    void whoAsksForTheChallengerGetsItsError() {
        Serving serving = serving(new FunctionModel(x -> x + 1), new FunctionModel(PlannedCallsTest::refused), 0);
        assertThatThrownBy(() -> calls().answer(serving, true, true, request("a")))
                .hasMessageContaining("refused");
        assertThat(journalled()).isEmpty();
    }

    @Test
    void whatTheCallerDidWrongIsNoEvidence() {
        Serving serving =
                serving(new FunctionModel(PlannedCallsTest::refused), new FunctionModel(PlannedCallsTest::refused), 1);
        assertThatThrownBy(() -> calls().answer(serving, true, false, request("a")))
                .hasMessageContaining("refused");
        journal.flush("default", "d");
        assertThat(journalled()).isEmpty();
    }

    @Test
    void aChallengerThatAnswersHasTheChampionBesideIt() {
        InferenceAnswer answer = calls().answer(
                        serving(new FunctionModel(x -> x + 1), new FunctionModel(x -> x + 2), 1),
                        true,
                        false,
                        request("a"))
                .orElseThrow();
        assertThat(answer.route()).isEqualTo(Route.CHALLENGER);
        assertThat(answer.outputs().getFirst().number(0)).isEqualTo(5);
        journal.flush("default", "d");
        Prediction row = journalled().getFirst();
        assertThat(row.challengerServed()).isTrue();
        assertThat(row.champion()).containsExactly(4.0);
        assertThat(row.challenger()).containsExactly(5.0);
    }

    private static FunctionModel held() {
        var model = new FunctionModel(x -> x + 2);
        model.gate = new CountDownLatch(1);
        return model;
    }

    private PlannedCalls answeredTenTimes(Serving serving) {
        PlannedCalls calls = calls();
        for (int i = 0; i < 10; i++) {
            assertThat(calls.answer(serving, false, false, request("r" + i))).isPresent();
        }
        return calls;
    }

    @Test
    void whatHasNoRoomBesideIsDroppedAndCountedAndTheAnswerIsJournalled() {
        shadows.close();
        shadows = new ShadowCalls(1, 1, 1 << 20);
        FunctionModel challenger = held();
        Serving serving = serving(new FunctionModel(x -> x + 1), challenger, 0);
        answeredTenTimes(serving);
        assertThat(records.live("default", "d").snapshot().shadowDropped()).isGreaterThanOrEqualTo(8);
        serving.close();
        challenger.gate.countDown();
        journal.flush("default", "d");
        assertThat(journalled()).hasSize(10);
        assertThat(journalled().stream().filter(row -> row.challengerVersion().isPresent()))
                .hasSizeBetween(1, 2);
        assertThat(challenger.isClosed()).isFalse();
    }

    @Test
    void whatWaitsAtTheEndIsJournalledWithoutTheOtherSideAndLeavesItsModel() {
        shadows.close();
        shadows = new ShadowCalls(1, 100, 1 << 20);
        Serving serving = serving(new FunctionModel(x -> x + 1), held(), 0);
        PlannedCalls calls = answeredTenTimes(serving);
        shadows.close();
        journal.flush("default", "d");
        assertThat(journalled())
                .extracting(Prediction::id)
                .containsExactlyInAnyOrder("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9");
        assertThat(records.live("default", "d").snapshot().shadowDropped()).isEqualTo(9);
        // What comes later is dropped too, and its answer is given and journalled().
        assertThat(calls.answer(serving, false, false, request("late"))).isPresent();
        journal.flush("default", "d");
        assertThat(journalled()).extracting(Prediction::id).contains("late");
        serving.close();
        assertThat(entries).allMatch(LoadedEntry::closeIfIdle);
    }

    @Test
    void manyDeploymentsTogetherDoNotHoldTheEndUp() {
        var never = new CountDownLatch(1);
        for (int i = 0; i < 20; i++) {
            shadows.submit(
                    "d" + i,
                    1,
                    () -> {
                        try {
                            never.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    },
                    () -> {});
        }
        assertTimeout(Duration.ofSeconds(10), () -> shadows.close());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nul-\0", "half-\uD83D"})
    void anIdThatNoDatabaseTakesIsRefused(String id) {
        assertThatThrownBy(() -> request(id))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining("id");
    }

    private static InferenceRequest rows(String id, double... x) {
        return InferenceRequest.of(
                Optional.of(id),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.numbers("x", Datatype.FP64, new long[] {x.length}, x)),
                Instant.EPOCH);
    }

    private static void assertRefused(PlannedCalls calls, Serving serving, InferenceRequest request, String id) {
        assertThatThrownBy(() -> calls.answer(serving, false, false, request))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.ALREADY_EXISTS))
                .hasMessageContaining("'" + id + "'");
    }

    @Test
    void anIdStandsForOnePrediction() {
        Serving serving = serving(new FunctionModel(x -> x + 1), new FunctionModel(x -> x + 2), 0);
        PlannedCalls calls = calls();
        for (int i = 0; i < 2; i++) {
            assertThat(calls.answer(serving, false, false, rows("a", 1, 2, 3))).isPresent();
            assertThat(calls.answer(serving, false, false, rows("a.1", 2))).isPresent();
            assertThat(calls.answer(serving, false, false, rows("a", 7))).isPresent();
            assertThat(calls.answer(serving, false, false, rows("b.0", 4))).isPresent();
        }
        assertRefused(calls, serving, rows("a.1", 3), "a.1");
        assertRefused(calls, serving, rows("a", 1, 2, 4), "a.2");
        assertRefused(calls, serving, rows("a", 8), "a");
        assertRefused(calls, serving, rows("b", 5, 6), "b.0");
        assertThat(calls.answer(serving, false, false, rows("b.1", 6)))
                .as("of what was refused nothing is noted")
                .isPresent();
        assertThat(calls.answer(serving, false, false, rows("b", 4, 6))).isPresent();
        calls.retain(Set.of());
        assertThat(calls.answer(serving, false, false, rows("a", 8))).isPresent();
        journal.flush("default", "d");
        assertThat(sink.rows()).containsOnlyKeys("a.0", "a.1", "a.2", "a", "b.0", "b.1");
        assertThat(journal.dropped())
                .as("what the gateway has forgotten the journal tells")
                .isEqualTo(1);
    }

    @Test
    void whatWasNotAnsweredTakesNoId() {
        var full = new AtomicBoolean(true);
        var log = (PredictionLog) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {PredictionLog.class}, (proxy, method, given) -> {
                    if (method.getName().equals("append") && full.get()) {
                        throw new TidemillException(ErrorCode.UNAVAILABLE, "The log is full");
                    }
                    return method.invoke(PredictionLog.NONE, given);
                });
        try (var refusing = new PredictionJournal(sink, log)) {
            var calls = new PlannedCalls(refusing, records, FeatureLookup.NONE, shadows, Clock.systemUTC());
            var challenger = new FunctionModel(x -> x + 2);
            Serving serving = serving(new FunctionModel(x -> x + 1), challenger, 1, true);
            assertThatThrownBy(() -> calls.answer(serving, true, false, rows("a", 1)))
                    .hasMessageContaining("full");
            assertThat(records.live("default", "d").snapshot().shadowFailures())
                    .as("the journal's failure is not the challenger's")
                    .isZero();
            full.set(false);
            assertThat(calls.answer(serving, true, false, rows("a", 2))
                            .orElseThrow()
                            .route())
                    .isEqualTo(Route.CHALLENGER);
        }
    }
}
