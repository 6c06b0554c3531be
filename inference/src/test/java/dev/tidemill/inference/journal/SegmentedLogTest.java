package dev.tidemill.inference.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentedLogTest {
    @TempDir
    private Path folder;

    /** Keeps the first of each id, as the journal's table does; can be away. */
    private static final class Sink implements PredictionSink {
        private final Map<String, Prediction> rows = Collections.synchronizedMap(new LinkedHashMap<>());
        private volatile CountDownLatch gate = new CountDownLatch(0);
        private volatile String unknown = "";

        @Override
        public void append(List<Prediction> batch) {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "away");
            }
            if (batch.stream().anyMatch(row -> row.deployment().equals(unknown))) {
                throw TidemillException.notFound("deployment", unknown);
            }
            batch.forEach(row -> rows.putIfAbsent(row.id(), row));
        }
    }

    private final Sink sink = new Sink();

    private static Prediction prediction(String deployment, String id, Optional<Double> challenger) {
        Map<String, Object> features = new LinkedHashMap<>();
        features.put("age", 41.5);
        features.put("plan", "größer");
        return new Prediction(
                "default",
                deployment,
                id,
                Instant.parse("2026-01-02T03:04:05Z"),
                Instant.parse("2026-01-02T03:04:06.789Z"),
                features,
                false,
                1,
                List.of(0.25, 1e-300),
                challenger.map(value -> 2),
                challenger.stream().toList(),
                Optional.empty());
    }

    private static Prediction prediction(String id) {
        return prediction("d", id, Optional.empty());
    }

    private long files() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Prediction> read(SegmentedLog log) {
        List<Prediction> all = new ArrayList<>();
        log.readable().forEach(segment -> log.read(segment, all::addAll));
        return all;
    }

    @Test
    void whatWasAppendedIsReadByTheNextProcessAsItWas() {
        // Not closed: the process before ended suddenly.
        var before = new SegmentedLog(folder, 1 << 20);
        before.append(List.of(prediction("a"), prediction("b")));
        before.append(List.of(prediction("c")));
        before.amend(List.of(prediction("d", "b", Optional.of(7.5))));
        before.append(List.of(prediction("e")));
        try (var after = new SegmentedLog(folder, 1 << 20)) {
            assertThat(read(after))
                    .containsExactly(
                            prediction("a"), prediction("d", "b", Optional.of(7.5)), prediction("c"), prediction("e"));
            after.readable().forEach(after::forget);
            assertThat(after.bytes()).isZero();
        }
        assertThat(files()).isZero();
    }

    @Test
    void aTornFrameIsTheEndOfItsFile() throws IOException {
        var before = new SegmentedLog(folder, 1 << 20);
        before.append(List.of(prediction("a")));
        before.append(List.of(prediction("b")));
        Path file;
        try (Stream<Path> files = Files.list(folder)) {
            file = files.findFirst().orElseThrow();
        }
        byte[] whole = Files.readAllBytes(file);
        for (int cut = whole.length - 1; cut > whole.length / 2; cut -= 37) {
            Files.write(file, java.util.Arrays.copyOf(whole, cut));
            try (var after = new SegmentedLog(folder, 1 << 20)) {
                assertThat(read(after)).containsExactly(prediction("a"));
            }
        }
        Files.write(file, whole);
        Files.write(file, new byte[] {0, 0, 0, 2, 1, 2, 3, 4, '[', ']'}, StandardOpenOption.APPEND);
        try (var after = new SegmentedLog(folder, 1 << 20)) {
            assertThat(read(after)).containsExactly(prediction("a"), prediction("b"));
        }
    }

    @Test
    void whatIsSettledIsDeleted() {
        var log = new SegmentedLog(folder, 100 << 20);
        List<Prediction> many =
                IntStream.range(0, 500).mapToObj(i -> prediction("p" + i)).toList();
        List<Long> segments = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            segments.add(log.append(many));
        }
        assertThat(segments.stream().distinct().count()).isGreaterThan(1);
        segments.forEach(log::settle);
        Await.until("only the newest file is there", () -> files() <= 1);
        log.close();
        assertThat(files()).isZero();
    }

    @Test
    void whatIsSettledWhileItIsHeldIsDeletedAfterwards() {
        var deletions = new DeletionHold();
        try (var log = new SegmentedLog(folder, 100 << 20, deletions)) {
            List<Prediction> many =
                    IntStream.range(0, 500).mapToObj(i -> prediction("p" + i)).toList();
            try (DeletionHold.Held backup = deletions.hold()) {
                List<Long> segments = new ArrayList<>();
                for (int i = 0; i < 150; i++) {
                    segments.add(log.append(many));
                }
                long made = segments.stream().distinct().count();
                assertThat(made).isGreaterThan(1);
                segments.forEach(log::settle);
                assertThat(files()).isGreaterThanOrEqualTo(made);
                assertThat(log.readable()).as("nobody reads them again").isEmpty();
            }
            log.readable();
            assertThat(files()).isLessThanOrEqualTo(1);
        }
        assertThat(files()).isZero();
    }

    @Test
    void aFullJournalTakesNoMoreAndSaysWhy() {
        try (var log = new SegmentedLog(folder, 1_000)) {
            log.append(IntStream.range(0, 10).mapToObj(i -> prediction("p" + i)).toList());
            assertThatThrownBy(() -> log.append(List.of(prediction("x"))))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("full");
        }
    }

    @Test
    void everyAnsweredPredictionReachesTheSinkOfTheNextProcess() {
        sink.gate = new CountDownLatch(1);
        var journal = new PredictionJournal(sink, new SegmentedLog(folder, 100 << 20));
        for (int i = 0; i < 200; i++) {
            journal.begin(List.of(prediction("p" + i)), true).complete();
        }
        assertThat(sink.rows).isEmpty();
        var later = new Sink();
        try (var next = new PredictionJournal(later, new SegmentedLog(folder, 100 << 20))) {
            // Whoever looks for a label's prediction waits until those of before are there.
            next.flush();
            assertThat(later.rows).hasSize(200);
        }
    }

    @Test
    void aSinkThatIsAwayForLongLosesNothingDurable() {
        sink.gate = new CountDownLatch(1);
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 100 << 20))) {
            for (int i = 0; i < 60; i++) {
                int number = i;
                journal.begin(
                                IntStream.range(0, 500)
                                        .mapToObj(row -> prediction("p" + number + "." + row))
                                        .toList(),
                                true)
                        .complete();
            }
            for (int i = 0; i < 60; i++) {
                journal.begin(List.of(prediction("best-effort", "b" + i, Optional.empty())), false)
                        .complete();
            }
            assertThat(journal.dropped("default", "best-effort")).isEqualTo(60);
            assertThat(journal.dropped("default", "d")).isZero();
            assertThat(journal.isLost("default", "best-effort", "b3")).isTrue();
            assertThat(journal.isLost("default", "d", "p3.1")).isFalse();
            sink.gate.countDown();
            journal.flush();
            assertThat(sink.rows).hasSize(30_000);
        }
        assertThat(files()).isZero();
    }

    @Test
    void aPredictionThatTheSinkRefusesHoldsNoOthersUp() {
        sink.unknown = "gone";
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("a")), true).complete();
            journal.begin(List.of(prediction("gone", "b", Optional.empty())), true)
                    .complete();
            journal.begin(List.of(prediction("c")), true).complete();
            journal.flush();
            assertThat(sink.rows).containsOnlyKeys("a", "c");
            assertThat(journal.dropped("default", "gone")).isEqualTo(1);
        }
    }
}
