package dev.tidemill.datasets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.platform.json.Json;
import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ColumnRulesTest {
    private static Optional<String> refused(
            ColumnType type, @Nullable Double least, @Nullable Double most, String... values) {
        return new Column(
                        "v",
                        type,
                        false,
                        Optional.ofNullable(least).map(BigDecimal::valueOf),
                        Optional.ofNullable(most).map(BigDecimal::valueOf),
                        List.of(values))
                .obstacle()
                .map(obstacle -> obstacle.rule() + ": " + obstacle.why());
    }

    @Test
    void limitsAreOfNumbersAndLeaveSome() {
        for (ColumnType type : List.of(ColumnType.TEXT, ColumnType.BOOLEAN, ColumnType.TIMESTAMP)) {
            assertThat(refused(type, 4.0, null).orElse("")).startsWith("min: a column of type");
            assertThat(refused(type, null, 4.0).orElse("")).startsWith("max: a column of type");
        }
        assertThat(refused(ColumnType.LONG, 5.0, 1.0))
                .hasValueSatisfying(why -> assertThat(why).contains("5 ('min')", "1 ('max')"));
        assertThat(refused(ColumnType.LONG, 1.0, 1.0)).isEmpty();
        assertThat(refused(ColumnType.DOUBLE, -1.0, null)).isEmpty();
    }

    /** Limits next to each other that one double stands for. */
    @Test
    void limitsAreCompared() {
        BigDecimal limit = new BigDecimal("9007199254740993");
        BigDecimal below = limit.subtract(BigDecimal.ONE);
        assertThat(new Column("v", ColumnType.LONG, false, Optional.of(limit), Optional.of(below), List.of())
                        .obstacle())
                .isPresent();
        assertThat(new Column("v", ColumnType.LONG, false, Optional.of(below), Optional.of(limit), List.of())
                        .obstacle())
                .isEmpty();
    }

    /** However it is written, so that a definition that says the same is the same. */
    @Test
    void aLimitIsItsValue() {
        assertThat(column("1.50", "100.0"))
                .isEqualTo(column("1.5", "1e2"))
                .hasToString(column("1.5", "100").toString());
        assertThat(Json.read(Json.write(column("9007199254740993", "1e300")), Column.class))
                .isEqualTo(column("9007199254740993", "1e300"));
    }

    private static Column column(String least, String most) {
        return new Column(
                "v",
                ColumnType.LONG,
                false,
                Optional.of(new BigDecimal(least)),
                Optional.of(new BigDecimal(most)),
                List.of());
    }

    @Test
    void allowedValuesAreOfTheColumnsType() {
        assertThat(refused(ColumnType.DOUBLE, null, null, "1", "a").orElse("")).startsWith("values: 'a'");
        assertThat(refused(ColumnType.LONG, null, null, "1.5")).isPresent();
        assertThat(refused(ColumnType.LONG, null, null, "9223372036854775808")).isPresent();
        assertThat(refused(ColumnType.BOOLEAN, null, null, "maybe")).isPresent();
        assertThat(refused(ColumnType.TIMESTAMP, null, null, "2026-01-01")).isPresent();
        assertThat(refused(ColumnType.TEXT, null, null, "anything")).isEmpty();
        assertThat(refused(ColumnType.LONG, null, null, "-1", "2")).isEmpty();
        assertThat(refused(ColumnType.DOUBLE, null, null, "1.5", "2e3")).isEmpty();
        assertThat(refused(ColumnType.BOOLEAN, null, null, "true")).isEmpty();
    }
}
