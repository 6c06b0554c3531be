package dev.tidemill.datasets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ColumnRulesTest {
    private static Optional<String> refused(
            ColumnType type, @Nullable Double least, @Nullable Double most, String... values) {
        return new Column("v", type, false, Optional.ofNullable(least), Optional.ofNullable(most), List.of(values))
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
                .hasValueSatisfying(why -> assertThat(why).contains("5.0", "1.0"));
        assertThat(refused(ColumnType.DOUBLE, Double.NaN, null)).isPresent();
        assertThat(refused(ColumnType.LONG, 1.0, 1.0)).isEmpty();
        assertThat(refused(ColumnType.DOUBLE, -1.0, null)).isEmpty();
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
