package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.TableSink;
import dev.tidemill.inference.journal.SegmentedLog;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PredictionJournalTest {
    private static final PredictionJournal.Patience SHORT =
            new PredictionJournal.Patience(Duration.ofMillis(5), Duration.ofMinutes(5));

    @TempDir
    private Path folder;

    private final TableSink sink = new TableSink(this::look);
    private final AtomicInteger attempts = new AtomicInteger();
    private volatile Predicate<Prediction> breaks = row -> false;
    private volatile Throwable failure = new IllegalStateException("broken");

    private void look(List<Prediction> batch) {
        attempts.incrementAndGet();
        if (batch.stream().anyMatch(breaks)) {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure;
        }
    }

    private Set<String> taken() {
        return sink.rows().keySet();
    }

    private PredictionJournal journal(PredictionJournal.Patience patience) {
        return new PredictionJournal(sink, new SegmentedLog(folder, 100 << 20), patience);
    }

    private static Prediction prediction(String deployment, String id) {
        return new Prediction(
                "default",
                deployment,
                id,
                Instant.EPOCH,
                Instant.EPOCH,
                Map.of(),
                false,
                1,
                List.of(0.5),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    private static List<Prediction> rows(String name, int number) {
        return IntStream.range(0, number)
                .mapToObj(i -> prediction("d", name + "." + i))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPredictionOnWhichTheSinkFailsHoldsNoOthersUp(boolean durable) throws IOException {
        breaks = row -> row.id().equals("x.7");
        try (var journal = journal(SHORT)) {
            journal.begin(rows("x", 10), durable).complete();
            journal.begin(rows("y", 10), durable).complete();
            journal.flush("default", "d");
            assertThat(taken()).hasSize(19).doesNotContain("x.7");
            assertThat(journal.dropped("default", "d")).isEqualTo(1);
            assertThat(journal.isLost("default", "d", "x.7")).isTrue();
            assertThat(journal.dropReason("default", "d"))
                    .hasValueSatisfying(why -> assertThat(why).contains("broken"));
        }
        assertThat(Files.readString(folder.resolve("refused.jsonl")))
                .contains("\"x.7\"")
                .contains("broken")
                .doesNotContain("\"x.6\"");
    }

    private static Prediction wide(String id, int values) {
        Map<String, Object> features =
                IntStream.range(0, values).boxed().collect(Collectors.toMap(i -> "x." + i, i -> (Object) (double) i));
        return new Prediction(
                "default",
                "d",
                id,
                Instant.EPOCH,
                Instant.EPOCH,
                features,
                false,
                1,
                List.of(0.5),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    /** Twenty thousand wide tensors would take far more memory than twenty thousand rows of a few columns. */
    @Test
    void whatIsQueuedIsBoundedByItsBytes() throws Exception {
        breaks = row -> true;
        failure = new TidemillException(ErrorCode.UNAVAILABLE, "away");
        long most = 1 << 20;
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 100 << 20), SHORT, most)) {
            for (int i = 0; i < 100; i++) {
                journal.begin(List.of(wide("a." + i, 1_000)), false).complete();
                assertThat(journal.queuedBytes()).isLessThanOrEqualTo(most);
            }
            assertThat(journal.dropped("default", "d")).isGreaterThanOrEqualTo(80);
            assertThat(journal.dropReason("default", "d"))
                    .hasValueSatisfying(why -> assertThat(why).contains("more came than the database took"));
            for (int i = 0; i < 20; i++) {
                journal.begin(List.of(wide("durable." + i, 1_000)), true).complete();
                assertThat(journal.queuedBytes()).isLessThanOrEqualTo(most);
            }
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(taken().stream().filter(id -> id.startsWith("durable"))).hasSize(20);
            assertThat(journal.queuedBytes()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWholeRequestOnWhichTheSinkFailsHoldsNoOthersUp(boolean durable) {
        breaks = row -> row.id().startsWith("x");
        try (var journal = journal(SHORT)) {
            journal.begin(rows("x", 1_500), durable).complete();
            journal.begin(rows("y", 10), durable).complete();
            journal.flush("default", "d");
            assertThat(taken()).hasSize(10);
            assertThat(journal.dropped("default", "d")).isEqualTo(1_500);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 300})
    void aSinkThatFailsForEverythingLosesNothing(int number) {
        try (var journal = journal(SHORT)) {
            journal.begin(rows("before", 1), true).complete();
            journal.flush("default", "d");
            breaks = row -> true;
            attempts.set(0);
            journal.begin(rows("x", number), true).complete();
            journal.begin(rows("y", number), false).complete();
            Await.until("it was tried often", () -> attempts.get() > 200);
            assertThat(journal.dropped()).isZero();
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(taken()).hasSize(1 + 2 * number);
            assertThat(journal.dropped()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFewOnWhichASinkFailsThatHasTakenNothingAreSetAsideInTheEnd(boolean durable) {
        breaks = row -> true;
        try (var journal = journal(new PredictionJournal.Patience(Duration.ofMillis(5), Duration.ofMillis(300)))) {
            journal.begin(rows("x", 3), durable).complete();
            journal.flush("default", "d");
            assertThat(journal.dropped("default", "d")).isEqualTo(3);
        }
    }

    @Test
    void anErrorOfTheSinkEndsNothing() {
        breaks = row -> true;
        failure = new OutOfMemoryError("for the test");
        try (var journal = journal(SHORT)) {
            journal.begin(rows("x", 3), true).complete();
            Await.until("it was tried", () -> attempts.get() > 5);
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(taken()).hasSize(3);
        }
    }

    @Test
    void aBadPredictionOfAProcessBeforeHoldsNoOthersUp() {
        // Not closed: that process ended suddenly.
        var before = new SegmentedLog(folder, 100 << 20);
        before.append(rows("x", 2_500));
        breaks = row -> row.id().equals("x.3") || row.id().equals("x.2400");
        try (var journal = journal(SHORT)) {
            journal.flush("default", "d");
            assertThat(taken()).hasSize(2_498);
            assertThat(journal.dropped("default", "d")).isEqualTo(2);
        }
    }

    @Test
    void atTheEndABadPredictionTakesNoOthersDown() {
        breaks = row -> row.id().equals("x.0");
        try (var journal = journal(new PredictionJournal.Patience(Duration.ofMillis(300), Duration.ofMinutes(5)))) {
            journal.begin(rows("x", 5), false).complete();
            journal.begin(rows("y", 5), false).complete();
        }
        assertThat(taken()).hasSize(9);
    }

    @Test
    @Timeout(60)
    void whoWaitsForADeploymentWaitsForNoOther() {
        // Not closed: that process ended suddenly.
        new SegmentedLog(folder, 100 << 20).append(List.of(prediction("away", "old")));
        breaks = row -> row.deployment().equals("away");
        failure = new TidemillException(ErrorCode.UNAVAILABLE, "away");
        try (var journal = journal(SHORT)) {
            // Its challenger has not answered yet.
            PredictionJournal.Entry other = journal.begin(List.of(prediction("other", "o")), true);
            journal.begin(rows("x", 3), true).complete();
            journal.flush("default", "d");
            assertThat(taken()).containsExactlyInAnyOrder("x.0", "x.1", "x.2");
            other.complete();
            journal.flush("default", "other");
            assertThat(taken()).contains("o");
            breaks = row -> false;
            journal.flush("default", "away");
            assertThat(taken()).contains("old");
        }
    }

    /** As a table into which nothing new can be inserted: what it knows already is no error. */
    private void takeNothingNew() {
        breaks = row -> !taken().contains(row.id());
    }

    static Stream<Throwable> failures() {
        return Stream.of(
                new IllegalStateException("permission denied for table prediction"),
                new TidemillException(ErrorCode.INTERNAL, "a defect of the control plane"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void aSinkThatTakesNothingNewLosesNoMoreThanAFew(Throwable why) {
        failure = why;
        try (var journal = journal(SHORT)) {
            journal.begin(rows("before", 1), true).complete();
            journal.flush("default", "d");
            takeNothingNew();
            journal.begin(rows("x", 300), true).complete();
            for (int i = 0; i < 50; i++) {
                journal.begin(rows("y" + i, 1), true).complete();
                journal.begin(rows("z" + i, 1), false).complete();
            }
            // What the sink knows is in the same files, and is read again with the rest.
            attempts.set(0);
            Await.until("it was tried often", () -> journal.dropped() > 20 || attempts.get() > 5_000);
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
            assertThat(taken()).hasSizeGreaterThanOrEqualTo(1 + 300 + 50 + 50 - 20);
        }
    }

    @Test
    void whatTheSinkHadOfAProcessBeforeIsNotNew() {
        // Not closed: that process ended suddenly, after the sink had taken a part.
        var before = new SegmentedLog(folder, 100 << 20);
        for (int i = 0; i < 100; i++) {
            before.append(rows("known" + i, 1));
            sink.append(rows("known" + i, 1));
            before.append(rows("x" + i, 1));
        }
        takeNothingNew();
        try (var journal = journal(SHORT)) {
            Await.until("it was tried often", () -> journal.dropped() > 20 || attempts.get() > 3_000);
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(IntStream.range(0, 100).boxed())
                    .allMatch(i -> taken().contains("x" + i + ".0") || journal.isLost("default", "d", "x" + i + ".0"));
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSinkThatHasTakenNothingLosesNoMoreThanAFewHoweverLongItFails(boolean durable) {
        breaks = row -> true;
        try (var journal = journal(new PredictionJournal.Patience(Duration.ofMillis(1), Duration.ofMillis(20)))) {
            for (int i = 0; i < 8; i++) {
                journal.begin(rows("x" + i, 10), durable).complete();
                int tried = attempts.get();
                long aside = 10L * (i + 1);
                Await.until("it was tried", () -> journal.dropped() == aside || attempts.get() > tried + 60);
            }
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(taken()).hasSizeGreaterThanOrEqualTo(60);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void settingAsideGoesOnOnceTheSinkHasTakenANewOne(boolean durable) {
        breaks = row -> row.id().startsWith("x");
        try (var journal = journal(SHORT)) {
            journal.begin(rows("before", 1), true).complete();
            journal.flush("default", "d");
            journal.begin(rows("x", 100), durable).complete();
            Await.until("a few are set aside", () -> journal.dropped() >= 20);
            int tried = attempts.get();
            Await.until("it was tried often", () -> journal.dropped() > 20 || attempts.get() > tried + 2_000);
            assertThat(journal.dropped()).isEqualTo(20);
            journal.begin(List.of(prediction("other", "y")), true).complete();
            journal.flush("default", "other");
            journal.flush("default", "d");
            assertThat(journal.dropped("default", "d")).isEqualTo(100);
            assertThat(taken()).containsExactlyInAnyOrder("before.0", "y");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manyThatWaitToBeSetAsideHoldNoOthersUp(boolean durable) {
        breaks = row -> row.deployment().equals("d");
        try (var journal = journal(new PredictionJournal.Patience(Duration.ofMillis(200), Duration.ofMinutes(5)))) {
            journal.begin(List.of(prediction("other", "before")), true).complete();
            journal.flush("default", "other");
            for (int i = 0; i < 100; i++) {
                journal.begin(rows("x" + i, 1), durable).complete();
            }
            Await.until("a few are set aside", () -> journal.dropped() >= 20);
            int tried = attempts.get();
            Await.until("others are tried again", () -> journal.dropped() > 20 || attempts.get() > tried + 200);
            assertThat(journal.dropped()).isEqualTo(20);
            for (int i = 0; i < 3; i++) {
                journal.begin(List.of(prediction("other", "y" + i)), false).complete();
                journal.flush("default", "other");
                assertThat(taken()).contains("y" + i);
            }
            Await.until("the rest is set aside", () -> journal.dropped("default", "d") == 100);
        }
    }

    private static Prediction other(String id) {
        Prediction one = prediction("d", id);
        return new Prediction(
                one.project(),
                one.deployment(),
                one.id(),
                one.eventTime(),
                one.receivedAt(),
                Map.of("x", 2.0),
                one.challengerServed(),
                one.championVersion(),
                one.champion(),
                one.challengerVersion(),
                one.challenger(),
                one.challengerError());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anAnswerUnderAnIdThatStandsForAnotherIsCountedAsLostWithItsId(boolean durable) throws IOException {
        try (var journal = journal(SHORT)) {
            journal.begin(rows("x", 3), durable).complete();
            journal.flush("default", "d");
            journal.begin(rows("x", 3), durable).complete();
            journal.flush("default", "d");
            assertThat(journal.dropped()).isZero();
            journal.begin(List.of(prediction("d", "y"), other("x.1"), other("z")), durable)
                    .complete();
            journal.flush("default", "d");
            assertThat(taken()).containsExactly("x.0", "x.1", "x.2", "y", "z");
            assertThat(journal.dropped("default", "d")).isEqualTo(1);
            assertThat(journal.isLost("default", "d", "x.1")).isTrue();
            assertThat(journal.dropReason("default", "d"))
                    .hasValueSatisfying(why -> assertThat(why).contains("'x.1'"));
            assertThat(attempts.get()).as("nothing was tried again").isEqualTo(3);
        }
        assertThat(Files.readString(folder.resolve("refused.jsonl")))
                .contains("\"x.1\"")
                .contains("2.0");
    }

    @Test
    void whatIsSentAgainIsNoEvidenceThatTheSinkTakesNewOnes() {
        try (var journal = journal(SHORT)) {
            journal.begin(rows("known", 1), true).complete();
            journal.flush("default", "d");
            takeNothingNew();
            journal.begin(rows("x", 100), true).complete();
            for (int i = 0; i < 40; i++) {
                // As a client does that has heard no answer: a prediction that is new here, and known to the sink.
                journal.begin(rows("known", 1), true).complete();
                int tried = attempts.get();
                Await.until("it was tried", () -> attempts.get() > tried + 10);
            }
            assertThat(journal.dropped()).isLessThanOrEqualTo(20);
            breaks = row -> false;
            journal.flush("default", "d");
            assertThat(taken()).hasSizeGreaterThanOrEqualTo(1 + 100 - 20);
        }
    }
}
