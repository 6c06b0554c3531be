package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class WireTextTest {
    private static final String WHOLE = "a\uD83D\uDE00ü\u4E2D";
    private static final List<String> HALVES = List.of("\uD800", "a\uDC00b", "\uDE00\uD83D", "ab\uD83D");

    private static void assertRefused(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining("half a character");
    }

    @Test
    void wholeCharactersAreKept() {
        assertThat(ColumnValues.column("x", List.of(WHOLE)).text(0)).isEqualTo(WHOLE);
        assertThat(ColumnValues.written(WHOLE, List.of(WHOLE)).text(0)).isEqualTo(WHOLE);
    }

    @Test
    void halfACharacterIsRefusedWhereverItComesIn() {
        var any = new ParameterSpec("p", ParameterSpec.Type.ANY, false);
        var text = new ParameterSpec("p", ParameterSpec.Type.STRING, true);
        for (String half : HALVES) {
            assertRefused(() -> ColumnValues.column("x", Arrays.asList("a", null, half)));
            assertRefused(() -> ColumnValues.column("x", List.of(1.5, half)));
            assertRefused(() -> ColumnValues.written("x", List.of(half)));
            assertRefused(() -> ColumnValues.column(half, List.of(1)));
            assertRefused(() -> ModelParameters.fit(List.of(text), Map.of("p", List.of(half))));
            assertRefused(() -> ModelParameters.fit(List.of(any), Map.of("p", Map.of(half, List.of(1)))));
            assertRefused(() -> InferenceRequest.of(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(half),
                    List.of(ColumnValues.column("x", List.of(1))),
                    Instant.EPOCH));
        }
    }
}
