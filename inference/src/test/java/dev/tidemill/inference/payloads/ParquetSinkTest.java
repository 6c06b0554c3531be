package dev.tidemill.inference.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.inference.domain.Payloads;
import dev.tidemill.testkit.MovableClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParquetSinkTest {
    private static final Instant START = Instant.parse("2026-03-01T23:59:00Z");

    @TempDir
    Path folder;

    private final MovableClock clock = new MovableClock(START);
    private final Copies engine = new Copies();
    private ParquetSink sink;

    @BeforeEach
    void start() {
        sink = sink();
    }

    private ParquetSink sink() {
        return new ParquetSink(folder, engine, Duration.ofSeconds(2), 0, clock);
    }

    /** Copies lines, whatever they are; while it fails it does so as a child does whose answer is not understood: after it wrote. */
    private static final class Copies implements QueryEngine {
        private boolean failing;
        private int calls;

        @Override
        public Written parquet(Path lines, List<Column> columns, Path target, Duration timeout) {
            calls++;
            try {
                Files.copy(lines, target);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            if (failing) {
                throw new IllegalStateException("the answer is not understood");
            }
            return new Written(1, 1, "", columns, Map.of());
        }

        @Override
        public Written importCsv(Path csv, DataSet dataSet, Path target, Consumer<String> log, Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Written query(Query query, Path target, Consumer<String> log, Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<String> rowByRow(List<Column> columns, String sql, Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Map<String, Object>> compute(
                List<Column> columns,
                Optional<String> mapping,
                String sql,
                List<Map<String, Object>> rows,
                Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Split split(List<Path> files, int rows, Path target, Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Written attach(
                List<Path> files,
                Path values,
                List<Column> added,
                Path target,
                Consumer<String> log,
                Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Map<String, Object>> sample(List<Path> files, int limit, Duration timeout) {
            throw new UnsupportedOperationException();
        }
    }

    private List<Path> files(String ending) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(file -> file.toString().endsWith(ending)).toList();
        }
    }

    private List<String> rows() throws IOException {
        return files(".parquet").stream()
                .flatMap(file -> {
                    try {
                        return Files.readAllLines(file).stream();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                })
                .map(line -> line.replaceAll(".*\"id\":\"(\\w+)\".*", "$1"))
                .sorted()
                .toList();
    }

    private void pass(Duration time) {
        clock.advance(time);
        assertThat(sink.deliver(List.of())).isZero();
    }

    @Test
    void whatFailsLeavesNoFileAndIsTriedAgainMoreAndMoreSeldom() throws IOException {
        engine.failing = true;
        assertThat(sink.deliver(List.of(Payloads.of("a"), Payloads.of("b")))).isEqualTo(2);
        for (int second = 0; second < 1500; second++) {
            pass(Duration.ofSeconds(1));
        }
        assertThat(files(".parquet")).isEmpty();
        assertThat(files(".part")).isEmpty();
        // After 10 s, 20 s, 40 s and so on: 25 minutes are few tries.
        assertThat(engine.calls).isBetween(5, 9);
        assertThat(sink.deliver(List.of(Payloads.of("c")))).isEqualTo(1);
        engine.failing = false;
        pass(Duration.ofHours(2));
        assertThat(rows()).containsExactly("a", "b", "c");
        assertThat(files(".json")).isEmpty();
        // The next file does not wait for a pause that is over.
        int before = engine.calls;
        sink.deliver(List.of(Payloads.of("d")));
        pass(Duration.ofSeconds(3));
        assertThat(engine.calls).isEqualTo(before + 1);
    }

    @Test
    void whatAnEarlierProcessLeftBecomesOneFile() throws IOException {
        engine.failing = true;
        sink.deliver(List.of(Payloads.of("a")));
        pass(Duration.ofSeconds(3));
        sink.close();
        engine.failing = false;
        clock.advance(Duration.ofDays(1));
        sink = sink();
        sink.deliver(List.of(Payloads.of("b")));
        assertThat(rows()).containsExactly("a", "b");
        assertThat(files(".json")).isEmpty();
        // Rows lie under the day on which they were closed, however late that succeeds.
        assertThat(folder.resolve("default/2026-03-01")).isNotEmptyDirectory();
    }
}
