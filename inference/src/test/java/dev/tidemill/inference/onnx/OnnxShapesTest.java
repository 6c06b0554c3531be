package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Valid models of every shape and datatype are served as they declare themselves. */
class OnnxShapesTest {
    @TempDir
    Path directory;

    private OnnxFolders folders;

    @BeforeEach
    void start() {
        folders = new OnnxFolders(directory);
    }

    private static List<Tensor> answer(LoadedModel model, Tensor... given) {
        return model.predict(InputBinding.fit(model.inputs(), List.of(given)));
    }

    private static Tensor floats(String name, long[] shape, double... values) {
        return Tensor.numbers(name, Datatype.FP32, shape, values);
    }

    /** The protocol's own example: shapes [2, 2] and [3] in, [3, 2] out. */
    @Test
    void firstDimensionsMayDiffer() {
        try (LoadedModel model = folders.open(new OnnxBytes()
                .input("input0", OnnxBytes.FLOAT, 2, 2)
                .input("input1", OnnxBytes.FLOAT, 3)
                .wholes("column", 3, 1)
                .wholes("one", 1, 2)
                .node("ReduceSum", List.of("input0"), List.of("sum"), Map.of("keepdims", 0))
                .node("Reshape", List.of("input1", "column"), List.of("tall"), Map.of())
                .node("Reshape", List.of("input1", "column"), List.of("tall2"), Map.of())
                .node("Concat", List.of("tall", "tall2"), List.of("wide"), Map.of("axis", 1))
                .node("Add", List.of("wide", "sum"), List.of("output0"), Map.of())
                .output("output0", OnnxBytes.FLOAT, 3, 2))) {
            assertThat(model.batching().joins()).isFalse();
            Tensor output = answer(
                            model,
                            floats("input0", new long[] {2, 2}, 1, 2, 3, 4),
                            floats("input1", new long[] {3}, 1, 2, 3))
                    .getFirst();
            assertThat(output.isSame(floats("output0", new long[] {3, 2}, 11, 11, 12, 12, 13, 13)))
                    .isTrue();
            assertThatThrownBy(() -> answer(
                            model,
                            floats("input0", new long[] {3, 2}, 1, 2, 3, 4, 5, 6),
                            floats("input1", new long[] {3}, 1, 2, 3)))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("has shape [3, 2]; the model takes [2, 2]");
        }
    }

    @Test
    void scalarsGoInAndOut() {
        try (LoadedModel model = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT)
                .node("Neg", List.of("x"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT))) {
            assertThat(model.inputs().getFirst().shape()).isEmpty();
            Tensor output = answer(model, floats("x", new long[0], 2.5)).getFirst();
            assertThat(output.isSame(floats("y", new long[0], -2.5))).isTrue();
            assertThat(answer(model, floats("x", new long[] {1}, 1)).getFirst().shape())
                    .isEmpty();
        }
    }

    @Test
    void aFixedShapeOfOneMayGiveSix() {
        try (LoadedModel model = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 1)
                .wholes("six", 6)
                .node("Expand", List.of("x", "six"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, 6))) {
            assertThat(model.outputs().getFirst().shape()).containsExactly(6L);
            Tensor output = answer(model, floats("x", new long[] {1}, 4)).getFirst();
            assertThat(output.isSame(floats("y", new long[] {6}, 4, 4, 4, 4, 4, 4)))
                    .isTrue();
            assertThatThrownBy(() -> answer(model, floats("x", new long[] {2}, 4, 5)))
                    .hasMessageContaining("the model takes [1]");
        }
    }

    @Test
    void outputsNeedNotBeOneForEachRow() {
        try (LoadedModel model = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "rows", 2)
                .node("ReduceSum", List.of("x"), List.of("total"), Map.of("keepdims", 0))
                .node("Shape", List.of("x"), List.of("shape"), Map.of())
                .output("total", OnnxBytes.FLOAT)
                .output("shape", OnnxBytes.INT64, 2))) {
            List<Tensor> outputs = answer(model, floats("x", new long[] {3, 2}, 1, 2, 3, 4, 5, 6));
            assertThat(outputs.getFirst().isSame(floats("total", new long[0], 21)))
                    .isTrue();
            assertThat(outputs.get(1).whole(0)).isEqualTo(3);
        }
    }

    @Test
    void aFixedNumberOfRowsIsTakenSeveralTimesOnlyByWhatAnswersRowByRow() {
        try (LoadedModel apart = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 2, 2)
                .node("Softmax", List.of("x"), List.of("y"), Map.of("axis", 1))
                .output("y", OnnxBytes.FLOAT, 2, 2))) {
            Tensor output =
                    answer(apart, floats("x", new long[] {4, 2}, new double[8])).getFirst();
            assertThat(output.shape()).containsExactly(4, 2);
        }
        try (LoadedModel mixed = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 2, 2)
                .node("Softmax", List.of("x"), List.of("y"), Map.of("axis", 0))
                .output("y", OnnxBytes.FLOAT, 2, 2))) {
            assertThatThrownBy(() -> answer(mixed, floats("x", new long[] {4, 2}, new double[8])))
                    .hasMessageContaining("the model takes [2, 2]");
        }
    }

    @Test
    void unsignedNumbersOfEveryWidthKeepTheirValues() {
        Map<Datatype, Integer> types = Map.of(
                Datatype.UINT16,
                OnnxBytes.UINT16,
                Datatype.UINT32,
                OnnxBytes.UINT32,
                Datatype.UINT64,
                OnnxBytes.UINT64);
        Map<Datatype, Long> largest =
                Map.of(Datatype.UINT16, 65_535L, Datatype.UINT32, 4_294_967_295L, Datatype.UINT64, -1L);
        types.forEach((datatype, type) -> {
            try (LoadedModel model = folders.open(new OnnxBytes()
                    .input("x", type, "rows")
                    .node("Identity", List.of("x"), List.of("y"), Map.of())
                    .output("y", type, "rows"))) {
                assertThat(model.inputs().getFirst().name()).isEqualTo("x");
                assertThat(model.inputs().getFirst().datatype()).isEqualTo(datatype);
                Tensor given = Tensor.wholes("x", datatype, new long[] {3}, new long[] {0, 7, largest.get(datatype)});
                Tensor output = answer(model, given).getFirst();
                assertThat(output.isSame(given))
                        .as(datatype + " " + output.value(2))
                        .isTrue();
            }
        });
    }

    /** Java's modified UTF-8 has other bytes than UTF-8 for characters beyond the basic plane, and for NUL. */
    @Test
    void textsReachTheGraphAsTheyAreOrAreRefused() {
        try (LoadedModel model = folders.open(new OnnxBytes()
                .input("x", OnnxBytes.STRING, "rows")
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("y"),
                        Map.of("keys_strings", List.of("ü", "🌊", "波"), "values_int64s", new long[] {1, 2, 3}))
                .output("y", OnnxBytes.INT64, "rows"))) {
            Tensor output = answer(model, ColumnValues.column("x", List.of("波", "ü", "z")))
                    .getFirst();
            assertThat(output.whole(0)).isEqualTo(3);
            assertThat(output.whole(1)).isEqualTo(1);
            assertThat(output.whole(2)).isEqualTo(-1);
            assertThatThrownBy(() -> answer(model, ColumnValues.column("x", List.of("🌊"))))
                    .hasMessageContaining("beyond U+FFFF");
            assertThatThrownBy(() -> answer(model, ColumnValues.column("x", List.of("a\0b"))))
                    .hasMessageContaining("NUL");
            assertThatThrownBy(() -> answer(model, Tensor.texts("x", new long[] {1}, new byte[][] {{(byte) 0xff}})))
                    .hasMessageContaining("no UTF-8");
        }
    }
}
