package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import org.junit.jupiter.api.Test;

class InputBindingTest {
    private static final List<TensorSpec> COLUMNS = List.of(
            TensorSpec.column("age", Datatype.INT64, false),
            TensorSpec.column("city", Datatype.BYTES, false),
            TensorSpec.column("note", Datatype.FP64, true));
    private static final List<TensorSpec> MATRIX =
            List.of(new TensorSpec("input", Datatype.FP32, List.of(-1L, 2L), false));

    private static Tensor numbers(String name, long[] shape, double... values) {
        return Tensor.numbers(name, Datatype.FP64, shape, values);
    }

    private static List<String> names(List<Tensor> tensors) {
        return tensors.stream().map(Tensor::name).toList();
    }

    @Test
    void aMatrixOfMixedKindsIsToldHowRowsAreSent() {
        List<TensorSpec> specs = List.of(
                TensorSpec.column("plan", Datatype.BYTES, false), TensorSpec.column("age", Datatype.FP64, false));
        Tensor mixed = ColumnValues.column("input", List.of("basic", 25L)).as("input", 1, 2);
        assertThatThrownBy(() -> InputBinding.fit(specs, List.of(mixed)))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        e -> assertThat(e.remedy().orElse("")).contains("{\"plan\": ...}"));
    }

    @Test
    void columnsAreFoundByNameInAnyOrderAndShape() {
        List<Tensor> fitted = InputBinding.fit(
                COLUMNS,
                List.of(
                        ColumnValues.column("other", List.of(1, 2)),
                        ColumnValues.column("city", List.of("oslo", "bodo")),
                        numbers("age", new long[] {2, 1}, 30, 40)));
        assertThat(names(fitted)).containsExactly("age", "city");
        assertThat(fitted.getFirst().shape()).containsExactly(2);
    }

    @Test
    void aMatrixOfAnotherNameIsTakenColumnByColumn() {
        var specs = List.of(TensorSpec.column("a", Datatype.FP64, false), TensorSpec.column("b", Datatype.FP64, false));
        List<Tensor> fitted = InputBinding.fit(specs, List.of(numbers("x", new long[] {2, 2}, 1, 2, 3, 4)));
        assertThat(names(fitted)).containsExactly("a", "b");
        assertThat(fitted.get(1).number(1)).isEqualTo(4);
        assertThatThrownBy(() -> InputBinding.fit(specs, List.of(numbers("x", new long[] {1, 3}, 1, 2, 3))))
                .hasMessageContaining("3 values a row");
    }

    @Test
    void columnsMakeAMatrixForAModelOfOne() {
        List<Tensor> fitted = InputBinding.fit(
                MATRIX, List.of(numbers("a", new long[] {2}, 1, 2), numbers("b", new long[] {2, 1}, 3, 4)));
        assertThat(fitted.getFirst().shape()).containsExactly(2, 2);
        assertThat(fitted.getFirst().number(1)).isEqualTo(3);
    }

    @Test
    void whatDoesNotFitIsNamed() {
        refused(COLUMNS, "'age' is missing", ColumnValues.column("city", List.of("oslo")));
        refused(COLUMNS, "The model takes 'age', 'city', 'note'", ColumnValues.column("zip", List.of("1")));
        refused(
                COLUMNS,
                "Value 0 of 'age' is 'old', which is no INT64",
                ColumnValues.column("age", List.of("old")),
                ColumnValues.column("city", List.of("oslo")));
        refused(
                COLUMNS,
                "two inputs named 'city'",
                ColumnValues.column("city", List.of("a")),
                ColumnValues.column("city", List.of("b")));
        refused(
                COLUMNS,
                "has 2 rows",
                ColumnValues.column("age", List.of(1)),
                ColumnValues.column("city", List.of("a", "b")));
        refused(MATRIX, "the model takes [-1, 2]", numbers("input", new long[] {1, 3}, 1, 2, 3));
    }

    @Test
    void whatTheModelDoesNotKnowIsRefusedOrWarnedOf() {
        List<Tensor> given = List.of(
                ColumnValues.column("agee", List.of(1)),
                ColumnValues.column("city", List.of("oslo")),
                ColumnValues.column("age", List.of(5)));
        assertThatThrownBy(() -> InputBinding.checkKnown(COLUMNS, List.of(), given))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("takes no input 'agee'; it takes 'age', 'city', 'note'");
        assertThat(InputBinding.warnings(COLUMNS, List.of(), given))
                .containsExactly("The model takes no input 'agee', which was left out");
        InputBinding.checkKnown(COLUMNS, List.of(TensorSpec.column("agee", Datatype.FP64, false)), given);
        // Taken by place, names do not matter.
        InputBinding.checkKnown(MATRIX, List.of(), List.of(numbers("whatever", new long[] {1, 2}, 1, 2)));
    }

    @Test
    void whatMustBeThereIsRefusedOrTakenForMissingWithAWarning() {
        var specs = List.of(
                TensorSpec.column("a", Datatype.FP64, false).withMissing(),
                TensorSpec.column("b", Datatype.FP64, true).withMissing());
        List<Tensor> given = List.of(numbers("b", new long[] {2}, 1, 2));
        assertThatThrownBy(() -> InputBinding.fit(specs, given)).hasMessageContaining("'a' is missing");
        assertThat(InputBinding.warnings(specs, List.of(), given))
                .hasSize(1)
                .first()
                .asString()
                .contains("'a' is missing");
        List<Tensor> fitted = InputBinding.fit(specs, InputBinding.filled(specs, given));
        assertThat(names(fitted)).containsExactly("a", "b");
        assertThat(fitted.getFirst().number(1)).isNaN();
    }

    private static void refused(List<TensorSpec> specs, String message, Tensor... given) {
        assertThatThrownBy(() -> InputBinding.fit(specs, List.of(given)))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(message);
    }
}
