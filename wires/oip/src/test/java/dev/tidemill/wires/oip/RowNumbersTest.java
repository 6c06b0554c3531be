package dev.tidemill.wires.oip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowNumbersTest {
    private static Tensor rows(String json) {
        return RowsJson.rows(RowsJson.parse(json.getBytes(StandardCharsets.UTF_8)), "instances")
                .getFirst();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e400", "-1e400", "1e400000000", "1.5e309"})
    void aNumberThatNoDoubleIsNearIsRefusedAndNotMadeInfinite(String number) {
        for (String json : new String[] {"[{\"a\": " + number + "}]", "[[" + number + "]]", "[" + number + "]"}) {
            assertThatThrownBy(() -> rows(json))
                    .as(json)
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("is beyond every number");
        }
    }

    @Test
    void aWholeNumberOfManyDigitsIsRefusedAsWell() {
        assertThatThrownBy(() -> rows("[1" + "0".repeat(400) + "]")).hasMessageContaining("is beyond every number");
    }

    @Test
    void aWholeNumberWithAPointIsExact() {
        Tensor exact = rows("[9007199254740993.0, -9007199254740993.0, 9007199254740993e0]");
        assertThat(exact.datatype()).isEqualTo(Datatype.INT64);
        assertThat(exact.value(0)).isEqualTo(9007199254740993L);
        assertThat(exact.value(1)).isEqualTo(-9007199254740993L);
        assertThat(exact.value(2)).isEqualTo(9007199254740993L);
        assertThat(rows("[18446744073709551615.0]").datatype()).isEqualTo(Datatype.UINT64);
    }

    @Test
    void aFractionThatNoDoubleHasIsRoundedAndNotForgotten() {
        for (String number : List.of(
                "1152921504606846977.7",
                "2251799813685248.2",
                "12345.0000000000001",
                "4503599627370497.5",
                "-1.23456789012345678901e17")) {
            Tensor read = rows("[" + number + "]");
            assertThat(read.datatype()).isEqualTo(Datatype.FP64);
            assertThat(read.number(0)).isEqualTo(Double.parseDouble(number));
            Tensor column = rows("[{\"a\": " + number + "}, {\"a\": 1}]");
            assertThatThrownBy(() ->
                            InputBinding.fit(List.of(TensorSpec.column("a", Datatype.INT64, false)), List.of(column)))
                    .hasMessageContaining("'a' holds a number with a fraction, which is no INT64");
        }
    }

    @Test
    void whatADoubleHoldsIsADouble() {
        Tensor numbers = rows("[0.1, 1e308, 9007199254740992.0, 2.0, NaN]");
        assertThat(numbers.datatype()).isEqualTo(Datatype.FP64);
        assertThat(numbers.number(0)).isEqualTo(0.1);
        assertThat(numbers.number(1)).isEqualTo(1e308);
        assertThat(numbers.number(2)).isEqualTo(0x1p53);
        assertThat(numbers.number(3)).isEqualTo(2.0);
    }
}
