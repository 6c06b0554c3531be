package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.testkit.SilentReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServedRowsTest {
    @TempDir
    Path directory;

    private final List<String> told = new ArrayList<>();

    private long appended(String... rows) throws Exception {
        Path file = Files.write(directory.resolve("served.ndjson"), List.of(rows));
        try (DuckDb db = new DuckDb()) {
            db.execute("CREATE TABLE result (vip BOOLEAN, age BIGINT, spend DOUBLE, plan VARCHAR, made TIMESTAMP)");
            ServedRows.append(db, file.toString(), new Told());
            assertThat(db.count("SELECT COUNT(*) FROM duckdb_tables() WHERE table_name = 'served'"))
                    .isZero();
            return db.count("SELECT COUNT(*) FROM result WHERE " + expected);
        }
    }

    private String expected = "TRUE";

    private final class Told extends SilentReport {
        @Override
        public void log(String line) {
            told.add(line);
        }
    }

    @Test
    void valuesAreConvertedToTheColumnsOfTheResult() throws Exception {
        expected =
                "(vip IS NULL OR vip) AND age = 41 AND spend = 2.5 AND plan = 'basic' AND made = TIMESTAMP '2026-11-01 10:00:00'";
        String rest = ", 'age': 41, 'spend': 2.5, 'plan': 'basic', 'made': '2026-11-01T10:00:00'}".replace('\'', '"');
        assertThat(appended(
                        "{\"vip\": true" + rest,
                        "{\"vip\": 1.0" + rest,
                        "{\"vip\": null" + rest,
                        "{\"vip\": \"true\"" + rest))
                .isEqualTo(4);
        assertThat(told).containsExactly("4 rows from the journal appended");
    }

    @Test
    void aRowWithAValueThatItsColumnWouldChangeIsLeftOutAndTold() throws Exception {
        assertThat(appended(
                        "{\"vip\": true, \"age\": 41.0, \"spend\": 1}",
                        "{\"vip\": 2, \"age\": 41}",
                        "{\"vip\": false, \"age\": 41.5}",
                        "{\"vip\": false, \"age\": 9007199254740993, \"spend\": \"cheap\"}",
                        "{\"age\": 9007199254740993}"))
                .isEqualTo(2);
        assertThat(told).hasSize(2);
        assertThat(told.getFirst()).startsWith("2 rows");
        assertThat(told.getLast())
                .contains("3 rows")
                .contains("'vip' in 1")
                .contains("'age' in 1")
                .contains("'spend' in 1");
    }
}
