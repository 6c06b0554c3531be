package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.json.Json;
import java.math.BigInteger;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is kept of answers. */
class AnswerValuesTest {
    private static List<Object> kept(Datatype datatype, long value) {
        return AnswerValues.of(Tensor.wholes("output", datatype, new long[] {1}, new long[] {value}));
    }

    private static List<Object> journalled(List<Object> values) {
        return AnswerValues.read(Json.read(Json.write(values), List.class));
    }

    @Test
    void wholeNumbersAreKeptExactly() {
        long exact = 1L << 53;
        assertThat(kept(Datatype.INT64, 7)).isEqualTo(List.of(7.0));
        assertThat(kept(Datatype.INT64, 1 - exact)).isEqualTo(List.of(-9007199254740991.0));
        for (long value : new long[] {exact, exact + 1, -exact - 1, Long.MAX_VALUE, Long.MIN_VALUE}) {
            List<Object> whole = List.of(BigInteger.valueOf(value));
            assertThat(kept(Datatype.INT64, value)).isEqualTo(whole);
            assertThat(journalled(whole)).isEqualTo(whole);
        }
        List<Object> most = List.of(BigInteger.TWO.pow(64).subtract(BigInteger.ONE));
        assertThat(kept(Datatype.UINT64, -1)).isEqualTo(most);
        assertThat(journalled(most)).isEqualTo(most);
    }

    /** As they were written before, each number as a double. */
    @Test
    void whatWasJournalledAsDoublesIsRead() {
        assertThat(AnswerValues.read(Json.read("[7.0, 9.007199254740992E15, \"NaN\", 3]", List.class)))
                .isEqualTo(List.of(7.0, 9007199254740992.0, Double.NaN, 3.0));
    }
}
