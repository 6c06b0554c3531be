package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TensorRowsTest {
    /** An answer that was joined with others has the form of one that was alone. */
    @Test
    void rowsOfATablesColumnAreOneOfATableAgain() {
        var place = new Place(Place.Container.FRAME, "a", false);
        Tensor numbers = Tensor.column("a", List.of(1.5, 2.5)).placed(place);
        assertThat(numbers.rows(1, 2).place()).contains(place);
        assertThat(numbers.rows(1, 2).number(0)).isEqualTo(2.5);
        assertThat(Tensor.column("a", List.of("x", "y"))
                        .placed(place)
                        .rows(0, 1)
                        .place())
                .contains(place);
        var alone = new Place(Place.Container.NONE, "", true);
        assertThat(numbers.placed(alone).rows(0, 1).place()).isEmpty();
    }
}
