package dev.tidemill.inference.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemill.inference.TableSink;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SegmentedLogTest {
    @TempDir
    private Path folder;

    private final TableSink sink = new TableSink(this::refuse);
    /** At which the sink is away. */
    private volatile CountDownLatch gate = new CountDownLatch(0);
    /** A deployment that the sink does not know. */
    private volatile String unknown = "";
    /** A deployment for which the sink is away. */
    private volatile String broken = "";

    private void refuse(List<Prediction> batch) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "away");
        }
        if (batch.stream().anyMatch(row -> row.deployment().equals(unknown))) {
            throw TidemillException.notFound("deployment", unknown);
        }
        if (batch.stream().anyMatch(row -> row.deployment().equals(broken))) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "not this one now");
        }
    }

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
                challenger.<List<Object>>map(List::of).orElse(List.of()),
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
        long segment = before.append(List.of(prediction("a"), prediction("b")));
        before.append(List.of(prediction("c")));
        before.amend(segment, List.of(prediction("d", "b", Optional.of(7.5))));
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

    private static List<Prediction> many() {
        return IntStream.range(0, 500).mapToObj(i -> prediction("p" + i)).toList();
    }

    /** Segments of appends that fill more than one file. */
    private static List<Long> filled(SegmentedLog log) {
        List<Prediction> many = many();
        return Stream.generate(() -> log.append(many)).limit(150).toList();
    }

    @Test
    void whatIsSettledIsDeleted() {
        var log = new SegmentedLog(folder, 100 << 20);
        List<Long> segments = filled(log);
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
            try (DeletionHold.Held backup = deletions.hold()) {
                List<Long> segments = filled(log);
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
        gate = new CountDownLatch(1);
        var journal = new PredictionJournal(sink, new SegmentedLog(folder, 100 << 20));
        for (int i = 0; i < 200; i++) {
            journal.begin(List.of(prediction("p" + i)), true).complete();
        }
        assertThat(sink.rows()).isEmpty();
        var later = new TableSink();
        try (var next = new PredictionJournal(later, new SegmentedLog(folder, 100 << 20))) {
            // Whoever looks for a label's prediction waits until those of before are there.
            next.flush("default", "d");
            assertThat(later.rows()).hasSize(200);
        }
    }

    @Test
    void aSinkThatIsAwayForLongLosesNothingDurable() {
        gate = new CountDownLatch(1);
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
            gate.countDown();
            journal.flush("default", "d");
            assertThat(sink.rows()).hasSize(30_000);
        }
        assertThat(files()).isZero();
    }

    @Test
    void aPredictionThatTheSinkRefusesHoldsNoOthersUp() {
        unknown = "gone";
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("a")), true).complete();
            journal.begin(List.of(prediction("gone", "b", Optional.empty())), true)
                    .complete();
            journal.begin(List.of(prediction("c")), true).complete();
            journal.flush("default", "d");
            journal.flush("default", "gone");
            assertThat(sink.rows()).containsOnlyKeys("a", "c");
            assertThat(journal.dropped("default", "gone")).isEqualTo(1);
            assertThat(journal.dropReason("default", "gone"))
                    .hasValueSatisfying(why -> assertThat(why).contains("gone"));
        }
    }

    @Test
    void whatIsSetAsideIsKeptWithTheReasonUpToABound() throws IOException {
        try (var log = new SegmentedLog(folder, 1 << 20)) {
            log.setAside(prediction("a"), "said \"no\"");
            log.setAside(prediction("b"), "again");
            Path file = folder.resolve("refused.jsonl");
            assertThat(Files.readAllLines(file))
                    .extracting(line -> Json.parseObject(line.getBytes(StandardCharsets.UTF_8)))
                    .extracting(
                            line -> line.path("reason").asText(),
                            line -> line.path("prediction").path("id").asText())
                    .containsExactly(tuple("said \"no\"", "a"), tuple("again", "b"));
            Files.write(file, new byte[9 << 20]);
            log.setAside(prediction("c"), "later");
            assertThat(Files.readAllLines(file)).hasSize(1);
            assertThat(Files.size(folder.resolve("refused.1.jsonl"))).isEqualTo(9 << 20);
        }
        // It is no segment for the next process.
        try (var log = new SegmentedLog(folder, 1 << 20)) {
            assertThat(log.readable()).isEmpty();
        }
    }

    private Path onlyFile() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findFirst().orElseThrow();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static int indexOf(byte[] bytes, String text) {
        return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    }

    private static List<String> ids(List<Prediction> predictions) {
        return predictions.stream().map(Prediction::id).toList();
    }

    @Test
    void whatFollowsDamageIsReadAndTheFileIsKeptAside() throws IOException {
        var before = new SegmentedLog(folder, 1 << 20);
        for (String id : List.of("first", "second", "third", "fourth")) {
            before.append(List.of(prediction(id)));
        }
        Path file = onlyFile();
        byte[] whole = Files.readAllBytes(file);
        int second = indexOf(whole, "second");
        int begin = new String(whole, 0, second, StandardCharsets.ISO_8859_1).lastIndexOf('[', second) - 8;
        // A bit of the content, each of the checksum's bytes and each of the length's.
        for (int at : new int[] {second + 2, begin, begin + 1, begin + 2, begin + 3, begin + 4, begin + 7, begin + 8}) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 4;
            Files.write(file, damaged);
            try (var after = new SegmentedLog(folder, 1 << 20)) {
                assertThat(after.unreadable()).isZero();
                assertThat(ids(read(after))).containsExactly("first", "third", "fourth");
                assertThat(after.unreadable()).isEqualTo(1);
                after.readable().forEach(after::forget);
                assertThat(after.bytes()).isZero();
                after.settle(after.append(List.of(prediction("next"))));
            }
            Path aside = onlyFile();
            assertThat(files()).isEqualTo(1);
            assertThat(aside.toString()).endsWith(".journal.unreadable");
            assertThat(Files.readAllBytes(aside)).isEqualTo(damaged);
            try (var next = new SegmentedLog(folder, 1 << 20)) {
                assertThat(next.unreadable())
                        .as("it is told until a person has dealt with it")
                        .isEqualTo(1);
                assertThat(next.readable()).isEmpty();
            }
            Files.delete(aside);
        }
    }

    @Test
    void aFrameThatIsNoPredictionHoldsNoOthersUp() throws IOException {
        var before = new SegmentedLog(folder, 1 << 20);
        before.append(List.of(prediction("a")));
        Path file = onlyFile();
        byte[] content = "[{\"project\": 7, \"nobody\": {}}]".getBytes(StandardCharsets.UTF_8);
        var checksum = new CRC32C();
        checksum.update(content);
        Files.write(
                file,
                ByteBuffer.allocate(8 + content.length)
                        .putInt(content.length)
                        .putInt((int) checksum.getValue())
                        .put(content)
                        .array(),
                StandardOpenOption.APPEND);
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("c")), true).complete();
            journal.flush("default", "d");
            assertThat(sink.rows()).containsKeys("a", "c");
            assertThat(journal.unreadable()).isEqualTo(1);
        }
    }

    @Test
    void aSegmentThatCannotBeReadStopsNothing() throws IOException {
        var before = new SegmentedLog(folder, 1 << 20);
        before.append(List.of(prediction("a")));
        Path file = onlyFile();
        // A folder cannot be read as a file, by whichever user the test runs.
        Files.createDirectory(folder.resolve("000000000000.journal"));
        try (var journal = new PredictionJournal(sink, new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("b")), true).complete();
            journal.flush("default", "d");
            assertThat(sink.rows()).containsOnlyKeys("a", "b");
            assertThat(journal.unreadable()).isEqualTo(1);
            assertThat(folder.resolve("000000000000.journal.unreadable")).exists();
            assertThat(file).doesNotExist();
        }
    }

    @Test
    void aSegmentThatTheSinkDoesNotTakeStopsNoOtherAndStays() {
        var before = new SegmentedLog(folder, 1 << 20);
        before.append(List.of(prediction("broken", "a", Optional.empty())));
        broken = "broken";
        var log = new SegmentedLog(folder, 1 << 20);
        try (var journal = new PredictionJournal(sink, log)) {
            for (int i = 0; i < 20; i++) {
                journal.begin(List.of(prediction("b" + i)), true).complete();
            }
            Await.until("all others are there", () -> sink.rows().size() == 20);
            assertThat(sink.rows()).doesNotContainKey("a");
            // Once it is known whose predictions wait there, only their own labels wait for them.
            journal.flush("default", "d");
            broken = "";
            journal.flush("default", "broken");
            assertThat(sink.rows()).containsKey("a");
            assertThat(journal.dropped()).isZero();
            assertThat(journal.unreadable()).isZero();
        }
    }

    /** Fails when a file is begun. */
    private static final class FailingDisk implements Disk {
        private volatile Optional<Throwable> creating = Optional.empty();
        private volatile Optional<IOException> forcing = Optional.empty();

        @Override
        public FileChannel create(Path file) throws IOException {
            if (creating.orElse(null) instanceof Error error) {
                throw error;
            }
            return REAL.create(file);
        }

        @Override
        public void force(Path folder) throws IOException {
            if (forcing.isPresent()) {
                throw forcing.get();
            }
            REAL.force(folder);
        }
    }

    @Test
    void afterAFileThatCouldNotBeBegunTheNextOneIs() {
        var disk = new FailingDisk();
        disk.forcing = Optional.of(new IOException("No space left on device"));
        try (var log = new SegmentedLog(folder, 1 << 20, new DeletionHold(), disk)) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> log.append(List.of(prediction("a"))))
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                error -> assertThat(error.code()).isEqualTo(ErrorCode.STORAGE_FULL))
                        .hasMessageContaining("No space left");
                assertThat(files()).isZero();
            }
            disk.forcing = Optional.empty();
            log.settle(log.append(List.of(prediction("b"))));
            assertThat(files()).isEqualTo(1);
        }
        assertThat(files()).isZero();
    }

    @Test
    void whatFailsForAnotherReasonThanRoomIsNotCalledFull() {
        var disk = new FailingDisk();
        try (var log = new SegmentedLog(folder, 1 << 20, new DeletionHold(), disk)) {
            disk.forcing = Optional.of(new IOException("Input/output error"));
            assertThatThrownBy(() -> log.append(List.of(prediction("a"))))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("Input/output error");
            disk.forcing = Optional.of(new IOException("Disk quota exceeded"));
            assertThatThrownBy(() -> log.append(List.of(prediction("a"))))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.STORAGE_FULL));
        }
    }

    @Test
    @Timeout(30)
    void anErrorOfTheWritingThreadIsToldToWhoWaitsAndEndsNothing() {
        var disk = new FailingDisk();
        disk.creating = Optional.of(new OutOfMemoryError("for the test"));
        try (var log = new SegmentedLog(folder, 1 << 20, new DeletionHold(), disk)) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> log.append(List.of(prediction("a"))))
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            }
            disk.creating = Optional.empty();
            assertThat(log.append(List.of(prediction("b")))).isPositive();
        }
    }

    @Test
    void whatBecomesKnownAfterItsFileIsFullIsReadWithIt() {
        var before = new SegmentedLog(folder, 100 << 20);
        long first = before.append(List.of(prediction("early"), prediction("other")));
        List<Prediction> many = many();
        while (before.append(many) == first) {
            // until the file is full
        }
        Prediction whole = prediction("d", "early", Optional.of(7.5));
        before.amend(first, List.of(whole));
        before.append(List.of(prediction("last")));
        Await.until("it is written", () -> {
            var read = new TableSink();
            try (var after = new SegmentedLog(folder, 100 << 20)) {
                after.readable().stream().limit(1).forEach(segment -> after.read(segment, read::append));
            }
            assertThat(read.rows()).containsEntry("other", prediction("other"));
            return whole.equals(read.rows().get("early"));
        });
    }

    @Test
    void aFileGoesOnlyWhenWhatBecameKnownOfItIsWritten() {
        var log = new SegmentedLog(folder, 100 << 20);
        List<Long> segments = filled(log);
        for (long segment : segments) {
            log.amend(segment, many().subList(0, 3));
            log.settle(segment);
        }
        log.amend(segments.getFirst(), many());
        log.close();
        assertThat(files()).isZero();
        assertThat(log.bytes()).isZero();
    }
}
