package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.datasets.domain.ColumnType;
import java.util.List;
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
        {"DOUBLE", "1_000"},
        {"DOUBLE", "1.5e1_0"},
        {"BOOLEAN", "2"},
        {"BOOLEAN", "0.5"},
        {"BOOLEAN", "maybe"},
        {"TIMESTAMP", "2026-01-31T09:30:00.123456789Z"},
        {"TIMESTAMP", "2026-01-31 09:30:00.0000001"},
        {"TIMESTAMP", "infinity"},
        {"TIMESTAMP", " Epoch "},
        {"TIMESTAMP", "now"},
        {"TIMESTAMP", "2026-02-30"},
        {"TIMESTAMP", "0044-03-15 (BC)"},
        {"TIMESTAMP", "0044-03-15 (BC) 10:00:00"},
        {"TIMESTAMP", "-0044-03-15"},
        {"TIMESTAMP", "0000-01-01"},
        {"TIMESTAMP", "0001-01-01T00:00:00+02:00"},
        {"TIMESTAMP", "2026-03-29 02:30 Europe/Berlin"},
        {"TIMESTAMP", "2026-03-29T02:00:00 europe/berlin "},
        {"TIMESTAMP", "2026-10-25 02:30 Europe/Berlin"},
        {"TIMESTAMP", "2026-10-25 02:59:59.999999 CET"},
        {"TIMESTAMP", "2026-11-01 01:30:00 America/New_York"},
        {"TIMESTAMP", "2026-04-05 01:45 Australia/Lord_Howe"},
        {"TIMESTAMP", "2026-10-04 02:15 Australia/Lord_Howe"},
        {"TIMESTAMP", "2011-12-30 10:00 Pacific/Apia"},
        {"TIMESTAMP", "1893-04-01 00:03 Europe/Berlin"},
        {"TIMESTAMP", "2026-10-25 02:30 Europe/Bogus"}
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
        {"TIMESTAMP", "0001-01-01", "0001-01-01T00:00:00Z"},
        {"TIMESTAMP", "2026-03-29 01:59:59.999999 Europe/Berlin", "2026-03-29T00:59:59.999999Z"},
        {"TIMESTAMP", "2026-03-29 03:00 Europe/Berlin", "2026-03-29T01:00:00Z"},
        {"TIMESTAMP", "2026-10-25 01:59:59 Europe/Berlin", "2026-10-24T23:59:59Z"},
        {"TIMESTAMP", "2026-10-25 03:00 Europe/Berlin", "2026-10-25T02:00:00Z"},
        {"TIMESTAMP", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"},
        {"TIMESTAMP", "2026-10-25 02:30:00 EST", "2026-10-25T07:30:00Z"},
        {"TIMESTAMP", "2026-10-25 02:30:00 UTC", "2026-10-25T02:30:00Z"},
        {"TIMESTAMP", "2026-10-25 02:30:00 GMT+2", "2026-10-25T00:30:00Z"},
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

    /** As in an import, so in a row that a view computes for a request: what the one learns from, the other answers with. */
    @Test
    void everyNanThatTheEngineReadsIsAMissingValue() throws Exception {
        try (var db = new DuckDb()) {
            for (String nan : List.of("nan", " NaN ", "-nan", "+NaN", "nan(1)", "-nan(x_1)", "\tnan")) {
                String row = " FROM (SELECT " + DuckDb.literal(nan) + " AS v)";
                assertThat(db.count("SELECT COUNT(*)" + row + " WHERE "
                                + Conversions.cast("v", ColumnType.DOUBLE) + " IS NULL AND "
                                + Conversions.strict("v", "v", ColumnType.DOUBLE) + " IS NULL AND NOT "
                                + Conversions.wrong("v", ColumnType.DOUBLE)))
                        .as(nan)
                        .isEqualTo(1);
            }
        }
    }

    @Test
    void aTimeThatAZoneSkipsOrHasTwiceIsToldApart() {
        String skipped = "is skipped by the clocks of its zone";
        String twice = "is shown twice by the clocks of its zone";
        assertThat(failure("2026-03-29 02:30 Europe/Berlin")).contains("'2026-03-29 02:30 Europe/Berlin'", skipped);
        assertThat(failure("2026-10-25 02:30 Europe/Berlin")).contains(twice, "offset");
        assertThat(failure("0044-03-15 (BC)")).contains("'0044-03-15 (BC)' in column 'v'", "year 1");
        assertThat(failure("2026-10-25 02:30 Europe/Bogus")).contains("is not of type timestamp");
    }

    private static String failure(String text) {
        try (var db = new DuckDb()) {
            return db.rows("SELECT " + Conversions.strict("v", "v", ColumnType.TIMESTAMP) + " AS v FROM (SELECT "
                            + DuckDb.literal(text) + " AS v)")
                    .toString();
        } catch (Exception e) {
            return String.valueOf(e.getMessage());
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
