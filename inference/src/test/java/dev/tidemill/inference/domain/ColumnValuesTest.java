package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ColumnValuesTest {
    @Test
    void wholeNumbersThatADoubleWouldChangeAreRefusedBesideOthers() {
        assertThatThrownBy(() -> ColumnValues.column("x", Arrays.asList(9_007_199_254_740_993L, null)))
                .hasMessageContaining("is 9007199254740993, which would be changed");
        assertThatThrownBy(() -> ColumnValues.column("x", List.of(9_007_199_254_740_993L, 0.5)))
                .hasMessageContaining("is 9007199254740993, which would be changed");
        assertThat(ColumnValues.column("x", Arrays.asList(9_007_199_254_740_992L, null))
                        .number(0))
                .isEqualTo(0x1p53);
    }
}
