package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorRowsTest {
    /** An answer that was joined with others has the form of one that was alone. */
    @Test
    void rowsOfATablesColumnAreOneOfATableAgain() {
        var place = new Place(Place.Container.FRAME, "a", false);
        Tensor numbers = ColumnValues.column("a", List.of(1.5, 2.5)).placed(place);
        assertThat(TensorRows.of(numbers, 1, 2).place()).contains(place);
        assertThat(TensorRows.of(numbers, 1, 2).number(0)).isEqualTo(2.5);
        assertThat(TensorRows.of(ColumnValues.column("a", List.of("x", "y")).placed(place), 0, 1)
                        .place())
                .contains(place);
        var alone = new Place(Place.Container.NONE, "", true);
        assertThat(TensorRows.of(numbers.placed(alone), 0, 1).place()).isEmpty();
    }

    @Test
    void aTruthBesideAMissingOneIsStillATruthInEveryPart() {
        Tensor column = ColumnValues.column("x", Arrays.asList(true, null, false));
        assertThat(ValueBindingTest.values(TensorRows.of(column, 1, 3))).containsExactly(null, false);
        assertThat(ValueBindingTest.values(TensorRows.select(column, new int[] {2, 0})))
                .containsExactly(false, true);
        assertThat(ValueBindingTest.values(TensorRows.concatenated(List.of(column, TensorRows.of(column, 0, 1)))))
                .containsExactly(true, null, false, true);
        assertThat(ValueBindingTest.values(TensorRows.column(column, 0, "y"))).containsExactly(true, null, false);
        assertThat(ValueBindingTest.values(TensorRows.concatenated(
                        List.of(column, Tensor.numbers("x", Datatype.FP64, new long[] {1}, new double[] {2})))))
                .as("beside numbers they are numbers")
                .containsExactly(1.0, null, 0.0, 2.0);
    }
}
