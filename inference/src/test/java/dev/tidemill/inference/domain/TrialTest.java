package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TrialTest {
    @Test
    void whatAModelDeclaresIsFed() {
        List<Tensor> fed = Trial.blank(List.of(
                new TensorSpec("a", Datatype.FP32, List.of(-1L, -1L), false, List.of("rows", "time")),
                new TensorSpec("b", Datatype.INT64, List.of(-1L, 3L), false, List.of("time", "")),
                new TensorSpec("c", Datatype.BYTES, List.of(), false),
                new TensorSpec("d", Datatype.BOOL, List.of(6L), false)));
        // "time" is a first dimension somewhere, so it is of the size of rows everywhere.
        assertThat(fed.get(0).shape()).containsExactly(2, 2);
        assertThat(fed.get(1).shape()).containsExactly(2, 3);
        assertThat(fed.get(2).shape()).isEmpty();
        assertThat(fed.get(3).shape()).containsExactly(6);
        assertThat(Trial.blank(List.of(new TensorSpec("e", Datatype.FP32, List.of(2_000L, 2_000L), false))))
                .isEmpty();
    }
}
