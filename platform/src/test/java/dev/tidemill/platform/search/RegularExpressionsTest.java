package dev.tidemill.platform.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.re2j.PatternSyntaxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegularExpressionsTest {
    @ParameterizedTest
    @ValueSource(strings = {"a*", "a+", "a{0,}", "a{1,}", "(a){0,}", "[ab]{2,}", "a{30}"})
    void manyRepetitionsAreTooLargeHoweverTheyAreWritten(String repetition) {
        assertThatThrownBy(() -> RegularExpressions.compile(repetition.repeat(1_000)))
                .isInstanceOf(PatternSyntaxException.class)
                .hasMessageContaining("its repetitions are longer than");
    }

    @Test
    void fewAreTaken() {
        assertThat(RegularExpressions.compile("(ab?c){0,}x{2,}y{1,3}z*")
                        .matcher("abcacxxyz")
                        .find())
                .isTrue();
    }
}
