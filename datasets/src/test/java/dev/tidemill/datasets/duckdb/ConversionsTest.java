package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.datasets.domain.ColumnType;
import org.junit.jupiter.api.Test;

class ConversionsTest {
    private static final String[][] WRONG = {
        {"LONG", "2.5"},
        {"LONG", "0.4"},
        {"LONG", "-0.5"},
        {"LONG", "12345678901234567.8"},
        {"LONG", "25e-1"},
        {"LONG", "1.25e1"},
        {"LONG", "1.2345678901234567891e18"},
        {"LONG", "9223372036854775808"},
        {"LONG", "1_000"},
        {"LONG", "true"},
        {"DOUBLE", "1e999"},
        {"DOUBLE", "-1e400"},
        {"DOUBLE", "1,5"},
        {"BOOLEAN", "2"},
        {"BOOLEAN", "0.5"},
        {"BOOLEAN", "maybe"},
        {"TIMESTAMP", "2026-01-31T09:30:00.123456789Z"},
        {"TIMESTAMP", "2026-01-31 09:30:00.0000001"},
        {"TIMESTAMP", "infinity"},
        {"TIMESTAMP", " Epoch "},
        {"TIMESTAMP", "now"},
        {"TIMESTAMP", "2026-02-30"}
    };
    private static final String[][] RIGHT = {
        {"LONG", "3", "3"},
        {"LONG", " 3 ", "3"},
        {"LONG", "+3", "3"},
        {"LONG", "3.0", "3"},
        {"LONG", "3.", "3"},
        {"LONG", "9007199255128919", "9007199255128919"},
        {"LONG", "-9223372036854775808", "-9223372036854775808"},
        {"LONG", "1e3", "1000"},
        {"LONG", "1.25e+2", "125"},
        {"LONG", "1.2500e2", "125"},
        {"DOUBLE", "2.5", "2.5"},
        {"DOUBLE", "1e308", "1.0E308"},
        {"BOOLEAN", "yes", "true"},
        {"BOOLEAN", "F", "false"},
        {"BOOLEAN", "1", "true"},
        {"TIMESTAMP", "2026-01-31T09:30:00.123456Z", "2026-01-31T09:30:00.123456Z"},
        {"TIMESTAMP", "2026-01-31 09:30:00.123456000", "2026-01-31T09:30:00.123456Z"},
        {"TIMESTAMP", "2026-01-31T09:30:00+02:00", "2026-01-31T07:30:00Z"},
        {"TEXT", "2.50", "2.50"}
    };

    @Test
    void whatATypeCannotHoldIsWrong() throws Exception {
        try (var db = new DuckDb()) {
            for (String[] one : WRONG) {
                assertThat(db.count("SELECT COUNT(*) FROM (SELECT " + DuckDb.literal(one[1]) + " AS v) WHERE "
                                + Conversions.wrong("v", ColumnType.valueOf(one[0]))))
                        .as(one[0] + " " + one[1])
                        .isEqualTo(1);
            }
        }
    }

    @Test
    void whatATypeHoldsIsKept() throws Exception {
        try (var db = new DuckDb()) {
            for (String[] one : RIGHT) {
                assertThat(db.rows("SELECT " + Conversions.strict("v", "v", ColumnType.valueOf(one[0]))
                                        + " AS v FROM (SELECT " + DuckDb.literal(one[1]) + " AS v)")
                                .getFirst()
                                .path("v")
                                .asText())
                        .as(one[0] + " " + one[1])
                        .isEqualTo(one[2]);
            }
        }
    }
}
