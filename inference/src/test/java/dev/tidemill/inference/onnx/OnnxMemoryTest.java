package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small graph that makes much of little is refused before it takes the machine's memory, and works on for what fits. */
class OnnxMemoryTest {
    @TempDir
    Path directory;

    private OnnxFolders folders;

    @BeforeEach
    void start() {
        folders = new OnnxFolders(directory);
    }

    private static double answer(LoadedModel model, double size) {
        Tensor given = Tensor.numbers("x", Datatype.FP32, new long[] {1, 1}, new double[] {size});
        return model.predict(InputBinding.fit(model.inputs(), List.of(given)))
                .getFirst()
                .number(0);
    }

    private static OnnxBytes sized() {
        return new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .wholes("flat", -1)
                .floats("one", new long[] {1}, 1)
                .node("Cast", List.of("x"), List.of("whole"), Map.of("to", 7))
                .node("Reshape", List.of("whole", "flat"), List.of("size"), Map.of());
    }

    /** The sum of what a graph has called wide as its answer. */
    private static OnnxBytes summed(OnnxBytes graph, int datatype) {
        return graph.node("ReduceSum", List.of("wide"), List.of("y"), Map.of("keepdims", 0))
                .output("y", datatype);
    }

    private void refusesWhatIsTooMuch(OnnxBytes graph, double fits, double answer) {
        refusesWhatIsTooMuch(
                graph, fits, answer, "bytes to compute with; all ONNX models may take " + OnnxMemory.limit());
    }

    private void refusesWhatIsTooMuch(OnnxBytes graph, double fits, double answer, String refusal) {
        try (LoadedModel model = folders.open(graph)) {
            assertThat(answer(model, fits)).isEqualTo(answer);
            assertThatThrownBy(() -> answer(model, 1e12))
                    .isInstanceOfSatisfying(
                            TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .hasMessageContaining(refusal);
            assertThat(answer(model, fits)).isEqualTo(answer);
        }
    }

    @Test
    void expand() {
        refusesWhatIsTooMuch(
                summed(sized().node("Expand", List.of("one", "size"), List.of("wide"), Map.of()), OnnxBytes.FLOAT),
                1_000,
                1_000);
    }

    @Test
    void tile() {
        // ONNX Runtime has a limit of its own for this one.
        refusesWhatIsTooMuch(
                summed(sized().node("Tile", List.of("one", "size"), List.of("wide"), Map.of()), OnnxBytes.FLOAT),
                1_000,
                1_000,
                "Tile output tensor would require more than");
    }

    @Test
    void constantOfShape() {
        refusesWhatIsTooMuch(
                summed(sized().node("ConstantOfShape", List.of("size"), List.of("wide"), Map.of()), OnnxBytes.FLOAT),
                1_000,
                0);
    }

    @Test
    void range() {
        refusesWhatIsTooMuch(
                summed(
                        sized().whole("zero", 0)
                                .whole("step", 1)
                                .wholes("scalar")
                                .node("Squeeze", List.of("size"), List.of("end"), Map.of())
                                .node("Range", List.of("zero", "end", "step"), List.of("wide"), Map.of()),
                        OnnxBytes.INT64),
                100,
                4_950);
    }

    @Test
    void pad() {
        refusesWhatIsTooMuch(
                summed(
                        sized().wholes("none", 0)
                                .node("Concat", List.of("none", "size"), List.of("pads"), Map.of("axis", 0))
                                .node("Pad", List.of("one", "pads"), List.of("wide"), Map.of()),
                        OnnxBytes.FLOAT),
                1_000,
                1);
    }

    /** A matrix of two small vectors. */
    @Test
    void broadcasting() {
        OnnxBytes graph = sized().whole("zero", 0)
                .whole("step", 1)
                .wholes("second", 1)
                .node("Squeeze", List.of("size"), List.of("end"), Map.of())
                .node("Range", List.of("zero", "end", "step"), List.of("row"), Map.of())
                .node("Unsqueeze", List.of("row", "second"), List.of("column"), Map.of())
                .node("Add", List.of("row", "column"), List.of("square"), Map.of())
                .node("ReduceSum", List.of("square"), List.of("y"), Map.of("keepdims", 0))
                .output("y", OnnxBytes.INT64);
        try (LoadedModel model = folders.open(graph)) {
            assertThat(answer(model, 3)).isEqualTo(18);
            assertThatThrownBy(() -> answer(model, 1_000_000)).hasMessageContaining("8000000000000 bytes");
            assertThat(answer(model, 3)).isEqualTo(18);
        }
    }

    /** What is computed of constants alone is computed at load, outside of the limit. */
    @Test
    void constantsAreNotMadeLargeAtLoad() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .wholes("size", 1L << 40)
                .node("ConstantOfShape", List.of("size"), List.of("wide"), Map.of())
                .node("ReduceSum", List.of("wide"), List.of("sum"), Map.of("keepdims", 0))
                .node("Add", List.of("x", "sum"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", 1);
        assertThatThrownBy(() -> {
                    try (LoadedModel model = folders.open(graph)) {
                        answer(model, 1);
                    }
                })
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("bytes to compute with");
    }

    @Test
    void sparseTensorsAreNotMadeDense() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .sparse("wide", 1L << 32, 5, 1)
                .node("ReduceSum", List.of("wide"), List.of("sum"), Map.of("keepdims", 0))
                .node("Add", List.of("x", "sum"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", 1);
        assertThatThrownBy(() -> folders.open(graph)).hasMessageContaining("has 4294967296 values once it is dense");
    }

    @Test
    void textsAreNotMultiplied() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.STRING, "n", 1)
                .wholes("times", 1_000, 1_000)
                .node("Tile", List.of("x", "times"), List.of("y"), Map.of())
                .output("y", OnnxBytes.STRING, "n", "m");
        assertThatThrownBy(() -> folders.open(graph)).hasMessageContaining("texts and the operator Tile");
        for (String type : List.of("Gather", "GatherElements", "Expand", "StringConcat", "SequenceConstruct")) {
            OnnxBytes picked = new OnnxBytes()
                    .input("x", OnnxBytes.STRING, "n", 1)
                    .input("which", OnnxBytes.INT64, "m", 1)
                    .node(type, List.of("x", "which"), List.of("y"), Map.of())
                    .output("y", OnnxBytes.STRING, "a", "b");
            assertThatThrownBy(() -> folders.open(picked))
                    .as(type)
                    .hasMessageContaining("texts and the operator " + type);
        }
        OnnxBytes where = new OnnxBytes()
                .input("x", OnnxBytes.STRING, "n", 1)
                .input("which", OnnxBytes.BOOL, "m", "k")
                .node("Where", List.of("which", "x", "x"), List.of("y"), Map.of())
                .output("y", OnnxBytes.STRING, "a", "b");
        assertThatThrownBy(() -> folders.open(where)).hasMessageContaining("texts and the operator Where");
        OnnxBytes doubled = new OnnxBytes().input("x0", OnnxBytes.STRING, "n", 1);
        for (int i = 0; i < 20; i++) {
            doubled.node("Concat", List.of("x" + i, "x" + i), List.of("x" + (i + 1)), Map.of("axis", 0));
        }
        doubled.output("x20", OnnxBytes.STRING, "m", 1);
        assertThatThrownBy(() -> folders.open(doubled)).hasMessageContaining("texts and the operator Concat");
        OnnxBytes labels = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n", 1)
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("y"),
                        Map.of("keys_int64s", new long[] {0}, "values_strings", List.of("a".repeat(2_000))))
                .output("y", OnnxBytes.STRING, "n", 1);
        assertThatThrownBy(() -> folders.open(labels)).hasMessageContaining("holds a text of 2000 bytes");
        OnnxBytes other = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n", 1)
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("y"),
                        Map.of(
                                "keys_int64s",
                                new long[] {0},
                                "values_strings",
                                List.of("a"),
                                "default_string",
                                "a".repeat(2_000)))
                .output("y", OnnxBytes.STRING, "n", 1);
        assertThatThrownBy(() -> folders.open(other)).hasMessageContaining("holds a text of 2000 bytes");
    }

    @Test
    void textsOfInnerGraphsAndOfNodesOutOfOrderAreNotMultiplied() {
        OnnxBytes branch = new OnnxBytes()
                .wholes("times", 1_000)
                .node("Constant", List.of(), List.of("text"), Map.of("value_strings", List.of("a")))
                .node("Expand", List.of("text", "times"), List.of("wide"), Map.of())
                .node("Size", List.of("wide"), List.of("size"), Map.of())
                .output("size", OnnxBytes.INT64);
        OnnxBytes inner = new OnnxBytes()
                .input("x", OnnxBytes.BOOL)
                .node("If", List.of("x"), List.of("y"), Map.of("then_branch", branch, "else_branch", branch))
                .output("y", OnnxBytes.INT64);
        assertThatThrownBy(() -> folders.open(inner)).hasMessageContaining("texts and the operator If");
        OnnxBytes unordered = new OnnxBytes()
                .input("x", OnnxBytes.STRING, "n", 1)
                .wholes("times", 1_000, 1_000)
                .node("Expand", List.of("later", "times"), List.of("y"), Map.of())
                .node("Identity", List.of("x"), List.of("later"), Map.of())
                .output("y", OnnxBytes.STRING, "n", "m");
        assertThatThrownBy(() -> folders.open(unordered))
                .hasMessageContaining("the operator Expand before those that make what it takes");
        OnnxBytes cast = new OnnxBytes().input("x0", OnnxBytes.STRING, "n", 1);
        for (int i = 0; i < 20; i++) {
            cast.node("Cast", List.of("x" + i), List.of("c" + i), Map.of("to", OnnxBytes.STRING))
                    .node("Concat", List.of("c" + i, "c" + i), List.of("x" + (i + 1)), Map.of("axis", 0));
        }
        cast.output("x20", OnnxBytes.STRING, "m", 1);
        assertThatThrownBy(() -> folders.open(cast)).hasMessageContaining("texts and the operator Concat");
        OnnxBytes twice = new OnnxBytes().input("x0", OnnxBytes.STRING, 1).wholes("both", 0, -1);
        for (int i = 0; i < 4; i++) {
            twice.node("Gather", List.of("x" + i, "both"), List.of("x" + (i + 1)), Map.of());
        }
        twice.output("x4", OnnxBytes.STRING, 2);
        assertThatThrownBy(() -> folders.open(twice)).hasMessageContaining("texts and the operator Gather");
    }

    /** What converters write for columns of texts and for labels goes on working. */
    @Test
    void textsThatAreNoMoreAfterwardsAreTaken() {
        OnnxBytes graph = new OnnxBytes()
                .input("a", OnnxBytes.STRING, "n", 1)
                .input("b", OnnxBytes.STRING, "n", 1)
                .wholes("second", 1, 0)
                .node("Concat", List.of("a", "b"), List.of("both"), Map.of("axis", 1))
                .node("ml:ArrayFeatureExtractor", List.of("both", "second"), List.of("turned"), Map.of())
                .node(
                        "ml:LabelEncoder",
                        List.of("turned"),
                        List.of("number"),
                        Map.of("keys_strings", List.of("sea", "land"), "values_int64s", new long[] {0, 1}))
                .node(
                        "ml:LabelEncoder",
                        List.of("number"),
                        List.of("label"),
                        Map.of("keys_int64s", new long[] {0, 1}, "values_strings", List.of("wet", "dry")))
                .output("label", OnnxBytes.STRING, "n", 2);
        try (LoadedModel model = folders.open(graph)) {
            Tensor sea = Tensor.texts("a", new long[] {1, 1}, new byte[][] {"sea".getBytes(StandardCharsets.UTF_8)});
            Tensor land = Tensor.texts("b", new long[] {1, 1}, new byte[][] {"land".getBytes(StandardCharsets.UTF_8)});
            Tensor label = model.predict(List.of(sea, land)).getFirst();
            assertThat(label.text(0)).isEqualTo("dry");
            assertThat(label.text(1)).isEqualTo("wet");
        }
    }

    /** Letters of several bytes count as what they take. */
    @Test
    void labelsAreMeasuredInBytes() {
        OnnxBytes labels = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n", 1)
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("y"),
                        Map.of("keys_int64s", new long[] {0}, "values_strings", List.of("\u20ac".repeat(200))))
                .output("y", OnnxBytes.STRING, "n", 1);
        assertThatThrownBy(() -> folders.open(labels)).hasMessageContaining("holds a text of 600 bytes");
        OnnxBytes constant = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n")
                .node("Constant", List.of(), List.of("texts"), Map.of("value_strings", List.of("\u20ac".repeat(200))))
                .node("Gather", List.of("texts", "x"), List.of("y"), Map.of())
                .output("y", OnnxBytes.STRING, "n");
        assertThatThrownBy(() -> folders.open(constant)).hasMessageContaining("texts and the operator Gather");
    }

    /** What scikit-learn's converter writes for classes that are texts: their scores are numbers. */
    @Test
    void scoresBesideLabelsAreNumbers() {
        OnnxBytes branch = new OnnxBytes()
                .node("Neg", List.of("norm"), List.of("inner"), Map.of())
                .output("inner", OnnxBytes.FLOAT, "n", 2);
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .truth("yes")
                .node(
                        "ml:LinearClassifier",
                        List.of("x"),
                        List.of("label", "scores"),
                        Map.of(
                                "coefficients",
                                new float[] {1, -1},
                                "intercepts",
                                new float[] {0, 0},
                                "classlabels_strings",
                                List.of("up", "down")))
                .node("ml:Normalizer", List.of("scores"), List.of("norm"), Map.of("norm", "L1"))
                .node("If", List.of("yes"), List.of("minus"), Map.of("then_branch", branch, "else_branch", branch))
                .output("label", OnnxBytes.STRING, "n")
                .output("minus", OnnxBytes.FLOAT, "n", 2);
        try (LoadedModel model = folders.open(graph)) {
            List<Tensor> answer =
                    model.predict(List.of(Tensor.numbers("x", Datatype.FP32, new long[] {2, 1}, new double[] {3, -3})));
            assertThat(answer.getFirst().text(0)).isEqualTo("up");
            assertThat(answer.getFirst().text(1)).isEqualTo("down");
            assertThat(answer.getLast().number(0)).isEqualTo(-0.5);
        }
        OnnxBytes taking = new OnnxBytes()
                .node("Size", List.of("x"), List.of("inner"), Map.of())
                .output("inner", OnnxBytes.INT64);
        OnnxBytes captured = new OnnxBytes()
                .input("x", OnnxBytes.STRING, "n")
                .truth("yes")
                .node("If", List.of("yes"), List.of("y"), Map.of("then_branch", taking, "else_branch", taking))
                .output("y", OnnxBytes.INT64);
        assertThatThrownBy(() -> folders.open(captured)).hasMessageContaining("texts and the operator If");
    }

    private static OnnxBytes words(int copies) {
        OnnxBytes graph = new OnnxBytes().input("x", OnnxBytes.STRING, "n");
        graph.node("Concat", Collections.nCopies(copies, "x"), List.of("all"), Map.of("axis", 0));
        return graph.node(
                        "ms:Tokenizer",
                        List.of("all"),
                        List.of("words"),
                        Map.of("mark", 0, "mincharnum", 1, "pad_value", "#", "tokenexp", "[a-z]+"))
                .output("words", OnnxBytes.STRING, "m", "k");
    }

    /** Words are parts of their text, which is how scikit-learn's converter begins with a column of texts. */
    @Test
    void textsAreTakenApartIntoWords() {
        try (LoadedModel model = folders.open(words(1))) {
            byte[][] texts = {"the cat".getBytes(StandardCharsets.UTF_8), "sat".getBytes(StandardCharsets.UTF_8)};
            Tensor words = model.predict(List.of(Tensor.texts("x", new long[] {2}, texts)))
                    .getFirst();
            assertThat(words.shape()).containsExactly(2, 2);
            assertThat(words.text(1)).isEqualTo("cat");
            assertThat(words.text(3)).isEqualTo("#");
        }
        try (LoadedModel model = folders.open(words(4))) {
            byte[][] texts = {new byte[(int) (OutsideMemory.mostOfRun() / 64 / 4) + 1]};
            assertThatThrownBy(() -> model.predict(List.of(Tensor.texts("x", new long[] {1}, texts))))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("takes texts apart into words");
        }
        OnnxBytes labels = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n")
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("label"),
                        Map.of("keys_int64s", new long[] {0}, "values_strings", List.of("a b c")))
                .node("ms:Tokenizer", List.of("label"), List.of("y"), Map.of("mincharnum", 1, "tokenexp", "[a-z]+"))
                .output("y", OnnxBytes.STRING, "m", "k");
        assertThatThrownBy(() -> folders.open(labels)).hasMessageContaining("texts and the operator Tokenizer");
    }
}
