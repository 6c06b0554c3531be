package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.monitoring.domain.EventClock;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.JournalStore;
import dev.tidemill.monitoring.domain.MeasuredLoss;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.PredictionLimit;
import dev.tidemill.monitoring.domain.Quarantine;
import dev.tidemill.monitoring.store.SqlJournalStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.platform.retention.SqlKeptRows;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.testkit.Contention;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a journal promises, on every database. */
abstract class JournalStoreContract {
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");
    private static final JournalStore.Range ALL =
            new JournalStore.Range("p", "d", Instant.EPOCH, Instant.ofEpochMilli(Long.MAX_VALUE));

    private Database database;
    private JournalStore journal;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        journal = new SqlJournalStore(database);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private static Prediction prediction(String id, long hour, double value) {
        return new Prediction(
                "p",
                "d",
                id,
                START.plus(Duration.ofHours(hour)),
                START.plusSeconds(hour),
                Map.of("hour", (double) hour, "weather", "clear"),
                false,
                1,
                List.of(value),
                Optional.of(2),
                List.of(value + 1),
                Optional.empty());
    }

    private PredictionSink.Taken add(Prediction... predictions) {
        return journal.prepare(List.of(predictions)).write(Map.of());
    }

    private List<JournalRow> page(Instant from, Instant until) {
        return journal.page(new JournalStore.Range("p", "d", from, until), Optional.empty(), 100)
                .items();
    }

    @Test
    void aPredictionIsJournalledOnce() {
        add(prediction("a", 1, 10), prediction("b", 2, 20));
        add(prediction("b", 2, 99), prediction("c", 0, 30));
        List<JournalRow> rows = page(START, START.plus(Duration.ofDays(1)));
        assertThat(rows).extracting(JournalRow::id).containsExactly("c", "a", "b");
        assertThat(rows.getLast().champion()).containsExactly(20.0);
        assertThat(rows.getLast().features()).containsEntry("weather", "clear").containsEntry("hour", 2.0);
    }

    private static Prediction in(String deployment, Prediction one) {
        return with(deployment, one.features(), one);
    }

    private static Prediction with(Map<String, Object> features, Prediction one) {
        return with(one.deployment(), features, one);
    }

    private static Prediction with(String deployment, Map<String, ?> features, Prediction one) {
        return new Prediction(
                one.project(),
                deployment,
                one.id(),
                one.eventTime(),
                one.receivedAt(),
                new HashMap<>(features),
                one.challengerServed(),
                one.championVersion(),
                one.champion(),
                one.challengerVersion(),
                one.challenger(),
                one.challengerError());
    }

    @Test
    void ofTwoAnswersUnderOneIdTheSecondIsToldAndTheFirstIsMarked() {
        Prediction a = prediction("a", 1, 10);
        Prediction b = prediction("b", 2, 20);
        assertThat(add(a, in("other", a), b)).isEqualTo(new PredictionSink.Taken(3, List.of()));
        // The same features are the same prediction, whatever was answered.
        Prediction again = prediction("a", 1, 11);
        assertThat(add(again, b, prediction("c", 3, 30))).isEqualTo(new PredictionSink.Taken(1, List.of()));
        Prediction another = prediction("a", 4, 40);
        Prediction within = prediction("d", 6, 60);
        assertThat(add(b, another, in("other", again), prediction("d", 5, 50), within))
                .isEqualTo(new PredictionSink.Taken(1, List.of(another, within)));
        assertThat(journal.answered("p", "d", List.of("a", "b", "c", "d")))
                .filteredOn(JournalStore.Answered::reused)
                .extracting(JournalStore.Answered::id)
                .containsExactlyInAnyOrder("a", "d");
        assertThat(journal.answered("p", "other", List.of("a"))).noneMatch(JournalStore.Answered::reused);
        assertThat(page(START, START.plus(Duration.ofDays(1))))
                .extracting(JournalRow::eventTime)
                .containsExactly(
                        a.eventTime(), b.eventTime(), START.plus(Duration.ofHours(3)), START.plus(Duration.ofHours(5)));
    }

    @Test
    void aWholeBatchThatIsSentAgainIsComparedAtOnce() {
        Prediction[] first = IntStream.range(0, JournalStore.BATCH)
                .mapToObj(i -> prediction("r" + i, i, i))
                .toArray(Prediction[]::new);
        assertThat(add(first).written()).isEqualTo(JournalStore.BATCH);
        assertThat(add(first)).isEqualTo(new PredictionSink.Taken(0, List.of()));
        Prediction[] others = IntStream.range(0, JournalStore.BATCH)
                .mapToObj(i -> prediction("r" + i, i + 1, i))
                .toArray(Prediction[]::new);
        assertThat(add(others)).isEqualTo(new PredictionSink.Taken(0, List.of(others)));
    }

    private static Optional<MeasuredLoss> distance(double value) {
        return Optional.of(new MeasuredLoss(value, MeasuredLoss.Kind.DISTANCE));
    }

    @Test
    void predictionsAndLabelsFromAllSidesAreKeptOnce() {
        List<JournalStore.Labelling> labellings = Contention.of(5, (thread, turn) -> {
                    String same = "same" + turn;
                    var batch = journal.prepare(
                            List.of(prediction(same, turn, thread), prediction(thread + "/" + turn, turn, 1)));
                    return database.write(() -> {
                        batch.write(Map.of());
                        return journal.label(
                                "p",
                                "d",
                                List.of(new JournalStore.Labelled(same, "l" + thread, distance(1), Optional.empty())),
                                START);
                    });
                })
                .allAnswered();
        assertThat(labellings.stream().mapToInt(JournalStore.Labelling::first).sum())
                .isEqualTo(5);
        assertThat(labellings.stream().mapToInt(JournalStore.Labelling::other).sum())
                .isEqualTo(5 * (Contention.THREADS - 1));
        List<JournalRow> rows = page(START, START.plus(Duration.ofDays(1)));
        assertThat(rows).hasSize(5 + 5 * Contention.THREADS);
        assertThat(rows.stream().filter(row -> row.id().startsWith("same")))
                .allSatisfy(row -> assertThat(row.label()).isPresent());
    }

    @Test
    void pagesOfLargeRowsEndAtTheirBoundAndNoneIsLeftOut() {
        String text = "x".repeat(1_000_000);
        var ids = new ArrayList<String>();
        for (int hour = 10; hour < 24; hour++) {
            Prediction one = prediction("r" + hour, hour, 1);
            ids.add(one.id());
            add(with(Map.of("text", text + hour), one));
        }
        Portion<JournalRow> newest = journal.newest(ALL, Optional.empty(), 1_000);
        assertThat(newest.items().size() * 3_000_000L).isLessThanOrEqualTo(RowBytes.MOST_OF_PAGE);
        assertThat(newest.more()).isTrue();
        assertThat(journal.page(ALL, Optional.empty(), 1_000).items()).hasSameSizeAs(newest.items());
        var backwards = new ArrayList<String>();
        Portion<JournalRow> page = newest;
        page.items().forEach(row -> backwards.add(row.id()));
        while (page.more()) {
            page = journal.newest(ALL, Optional.of(page.items().getLast().position()), 1_000);
            page.items().forEach(row -> backwards.add(row.id()));
        }
        assertThat(backwards.reversed()).isEqualTo(ids);
        var forwards = new ArrayList<String>();
        journal.forEach(ALL, row -> forwards.add(row.id()));
        assertThat(forwards).isEqualTo(ids);
    }

    @Test
    void intervalsAreHalfOpen() {
        add(prediction("a", 0, 1), prediction("b", 1, 1), prediction("c", 2, 1));
        assertThat(page(START, START.plus(Duration.ofHours(2))))
                .extracting(JournalRow::id)
                .containsExactly("a", "b");
        assertThat(journal.count(new JournalStore.Range("p", "d", START, START.plus(Duration.ofHours(2)))))
                .isEqualTo(2);
        assertThat(journal.count(new JournalStore.Range("p", "other", START, START.plus(Duration.ofHours(2)))))
                .isZero();
    }

    @Test
    void theLastLabelCountsAndOneThatIsThereChangesNothing() {
        add(prediction("a", 1, 10));
        assertThat(journal.label(
                        "p", "d", List.of(new JournalStore.Labelled("a", "12", distance(2.0), distance(1.0))), START))
                .isEqualTo(new JournalStore.Labelling(1, 0));
        assertThat(journal.label(
                        "p",
                        "d",
                        List.of(
                                new JournalStore.Labelled("a", "12", distance(2.0), distance(1.0)),
                                new JournalStore.Labelled("a", "50", distance(40.0), distance(39.0))),
                        START))
                .isEqualTo(new JournalStore.Labelling(0, 1));
        JournalRow row = page(START, START.plus(Duration.ofDays(1))).getFirst();
        assertThat(row.label()).contains("50");
        assertThat(row.servedLoss()).contains(40.0);
        assertThat(row.challengerLoss()).contains(39.0);
        assertThat(row.servedLossKind()).contains(MeasuredLoss.Kind.DISTANCE);
        assertThat(journal.answered("p", "d", List.of("a", "b")))
                .extracting(JournalStore.Answered::label)
                .containsExactly(Optional.of("50"));
    }

    /** Pages in both directions give each row once, also where many share one event time. */
    @Test
    void pagesGiveEachRowOnce() {
        var random = new Random(4);
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < 3_000; i++) {
            predictions.add(prediction("row-" + i, random.nextInt(20), i));
        }
        journal.prepare(predictions).write(Map.of());
        List<String> expected = predictions.stream()
                .sorted(Comparator.comparing(Prediction::eventTime).thenComparing(Prediction::id))
                .map(Prediction::id)
                .toList();
        var forwards = new ArrayList<String>();
        Optional<JournalStore.Position> after = Optional.empty();
        for (List<JournalRow> page = journal.page(ALL, after, 170).items();
                !page.isEmpty();
                page = journal.page(ALL, after, 170).items()) {
            page.forEach(row -> forwards.add(row.id()));
            after = Optional.of(page.getLast().position());
        }
        assertThat(forwards).isEqualTo(expected);
        var backwards = new ArrayList<String>();
        Optional<JournalStore.Position> before = Optional.empty();
        for (List<JournalRow> page = journal.newest(ALL, before, 170).items();
                !page.isEmpty();
                page = journal.newest(ALL, before, 170).items()) {
            page.forEach(row -> backwards.add(row.id()));
            before = Optional.of(page.getLast().position());
        }
        assertThat(backwards.reversed()).isEqualTo(expected);
        assertThat(journal.count(ALL)).isEqualTo(3_000);
    }

    @Test
    void whatIsQuarantinedCountsInNothingUntilItIsReleased() {
        Prediction odd = prediction("odd", 5_000, 1);
        var quarantined = new HashMap<Prediction, Quarantine>();
        quarantined.put(odd, Quarantine.FAR_AHEAD);
        journal.prepare(List.of(prediction("a", 1, 1), odd)).write(quarantined);
        assertThat(journal.page(ALL, Optional.empty(), 10).items())
                .extracting(JournalRow::id)
                .containsExactly("a");
        assertThat(journal.newest(ALL, Optional.empty(), 1).items().getFirst().quarantine())
                .contains(Quarantine.FAR_AHEAD);
        assertThat(journal.release(
                        "p", "d", odd.eventTime().plusMillis(1), odd.eventTime().plusSeconds(9)))
                .isEqualTo(JournalStore.Released.NONE);
        assertThat(journal.release("p", "d", START, odd.eventTime()))
                .isEqualTo(new JournalStore.Released(1, Optional.of(odd.eventTime())));
        assertThat(journal.page(ALL, Optional.empty(), 10).items()).hasSize(2);
        assertThat(journal.hold("p", "d", START, START.plus(Duration.ofDays(1))))
                .isOne();
        assertThat(journal.page(ALL, Optional.empty(), 10).items()).hasSize(1);
        assertThat(journal.hold("p", "d", START.plus(Duration.ofDays(1)), odd.eventTime()))
                .isOne();
        assertThat(journal.newest(ALL, Optional.empty(), 2).items())
                .extracting(JournalRow::quarantine)
                .containsExactly(Optional.of(Quarantine.FAR_AHEAD), Optional.of(Quarantine.FAR_BEHIND));
        assertThat(journal.release("p", "d", START, odd.eventTime()))
                .isEqualTo(new JournalStore.Released(2, Optional.of(odd.eventTime())));
    }

    @Test
    void eachDeploymentHasALimitOfItsOwn() {
        for (int hour = 0; hour < 10; hour++) {
            add(prediction("row-" + hour, hour, 1), of("few", prediction("few-" + hour % 3, hour % 3, 1)));
        }
        for (int hour = 100; hour < 106; hour++) {
            add(prediction("ahead-" + hour, hour, 1));
        }
        var monitors = new SqlMonitorStore(database);
        monitors.createState(state("d", START.plus(Duration.ofHours(9))));
        monitors.createState(state("few", START.plus(Duration.ofHours(2))));
        var byAge =
                new SqlKeptRows(database, "predictions", "prediction", Optional.empty(), journal::deleteReceivedBefore);
        assertThat(PredictionLimit.on(byAge, journal, monitors, 0).collect(START))
                .isZero();
        assertThat(PredictionLimit.on(byAge, journal, monitors, 10).collect(START))
                .isZero();
        var kept = PredictionLimit.on(byAge, journal, monitors, 4);
        assertThat(kept.most()).hasValue(4);
        assertThat(kept.collect(START)).isEqualTo(6 + 2);
        assertThat(page(START, START.plus(Duration.ofDays(9))))
                .extracting(JournalRow::id)
                .as("those ahead of the watermark drive out nothing that is believed")
                .containsExactly(
                        "row-6", "row-7", "row-8", "row-9", "ahead-102", "ahead-103", "ahead-104", "ahead-105");
        assertThat(journal.count(new JournalStore.Range("p", "few", Instant.EPOCH, START.plus(Duration.ofDays(1)))))
                .isEqualTo(3);
        assertThat(kept.collect(START)).isZero();
    }

    @Test
    void whatIsBeyondALimitBeginsAtAPosition() {
        for (int row = 0; row < 5; row++) {
            add(prediction("row-" + row, 1, 1));
        }
        assertThat(journal.beyond(ALL, 5)).isEmpty();
        JournalStore.Position last = journal.beyond(ALL, 3).orElseThrow();
        assertThat(last.id()).as("of one event time").isEqualTo("row-1");
        assertThat(journal.deleteUntil(ALL, last, 1)).isOne();
        assertThat(journal.deleteUntil(ALL, last, 9)).isOne();
        assertThat(journal.deleteUntil(ALL, last, 9)).isZero();
        assertThat(journal.count(ALL)).isEqualTo(3);
    }

    private static Prediction of(String deployment, Prediction one) {
        return new Prediction(
                one.project(),
                deployment,
                one.id(),
                one.eventTime(),
                one.receivedAt(),
                one.features(),
                one.challengerServed(),
                one.championVersion(),
                one.champion(),
                one.challengerVersion(),
                one.challenger(),
                one.challengerError());
    }

    private static MonitorState state(String deployment, Instant watermark) {
        return new MonitorState(
                "p",
                deployment,
                new EventClock(START, watermark, false, START, 0, EventClock.Apart.NONE, 0, Optional.empty()),
                START,
                START,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                Optional.empty());
    }

    @Test
    void theFirstOfARangeIsTheFirstThatIsBelieved() {
        Prediction odd = prediction("odd", 0, 1);
        journal.prepare(List.of(odd, prediction("a", 3, 1), prediction("b", 7, 1)))
                .write(Map.of(odd, Quarantine.FAR_BEHIND));
        Instant first = START.plus(Duration.ofHours(3));
        assertThat(journal.first(ALL)).contains(first);
        assertThat(journal.first(new JournalStore.Range("p", "d", first, first.plusSeconds(1))))
                .contains(first);
        assertThat(journal.first(new JournalStore.Range("p", "d", START, first)))
                .isEmpty();
        assertThat(journal.first(new JournalStore.Range("p", "other", START, first)))
                .isEmpty();
    }

    @Test
    void theOldestAreDeletedFirst() {
        for (int hour = 0; hour < 10; hour++) {
            add(prediction("row-" + hour, hour, 1));
        }
        assertThat(journal.deleteReceivedBefore(START.plusSeconds(7), 5)).isEqualTo(5);
        assertThat(page(START, START.plus(Duration.ofDays(1))).getFirst().id()).isEqualTo("row-5");
        assertThat(journal.deleteReceivedBefore(START.plusSeconds(7), 5)).isEqualTo(2);
        assertThat(journal.deleteReceivedBefore(START.plusSeconds(7), 5)).isZero();
        assertThat(journal.count(ALL)).isEqualTo(3);
    }

    @Test
    void failuresOfAChallengerAreCountedAmongTheRowsItWasAsked() {
        add(prediction("a", 1, 1), prediction("b", 2, 1));
        add(new Prediction(
                "p",
                "d",
                "c",
                START,
                START,
                Map.of(),
                false,
                1,
                List.of(1.0),
                Optional.of(2),
                List.of(),
                Optional.of("division by zero")));
        assertThat(journal.reliability(ALL, 2)).isEqualTo(new Reliability(3, 1));
        assertThat(journal.reliability(ALL, 3)).isEqualTo(new Reliability(0, 0));
    }
}
