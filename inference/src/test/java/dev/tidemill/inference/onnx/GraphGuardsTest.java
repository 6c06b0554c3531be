package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What would end the process in ONNX Runtime is computed otherwise, to the same answers; what takes memory is bounded. */
class GraphGuardsTest {
    private static final int INT32 = 6;
    private static final int UINT8 = 2;

    @TempDir
    Path directory;

    private OnnxFolders folders;

    @BeforeEach
    void start() {
        folders = new OnnxFolders(directory);
    }

    private static byte[] guarded(byte[] model) {
        return GraphGuards.of(model, TextPlan.NONE).model();
    }

    private List<Long> answer(OnnxBytes graph, Datatype datatype, long[] a, long[] b) {
        try (LoadedModel model = folders.open(graph)) {
            List<Tensor> given = List.of(
                    Tensor.wholes("a", datatype, new long[] {a.length, 1}, a),
                    Tensor.wholes("b", datatype, new long[] {b.length, 1}, b));
            Tensor answer =
                    model.predict(InputBinding.fit(model.inputs(), given)).getFirst();
            List<Long> values = new ArrayList<>();
            for (int i = 0; i < a.length; i++) {
                values.add(answer.whole(i));
            }
            return values;
        }
    }

    private static OnnxBytes quotient(String operator, int type, Map<String, Object> settings) {
        return new OnnxBytes()
                .input("a", type, "n", 1)
                .input("b", type, "n", 1)
                .node(operator, List.of("a", "b"), List.of("y"), settings)
                .output("y", type, "n", 1);
    }

    @Test
    void divisionOfTheLeastNumberByMinusOneWrapsAround() {
        long[] a = {Long.MIN_VALUE, 7, -7, 7, Long.MIN_VALUE, 0, 9};
        long[] b = {-1, -1, -1, 2, 1, -1, -3};
        assertThat(answer(quotient("Div", OnnxBytes.INT64, Map.of()), Datatype.INT64, a, b))
                .containsExactly(Long.MIN_VALUE, -7L, 7L, 3L, Long.MIN_VALUE, 0L, -3L);
        long least = Integer.MIN_VALUE;
        assertThat(answer(quotient("Div", INT32, Map.of()), Datatype.INT32, new long[] {least, 6, 6}, new long[] {
                    -1, -1, -4
                }))
                .containsExactly(least, -6L, -1L);
    }

    @Test
    void remainderOfTheLeastNumberByMinusOneIsNone() {
        assertThat(answer(
                        quotient("Mod", OnnxBytes.INT64, Map.of()),
                        Datatype.INT64,
                        new long[] {Long.MIN_VALUE, 7, -7, 7},
                        new long[] {-1, -1, 4, -4}))
                .containsExactly(0L, 0L, 1L, -1L);
    }

    /** They are divided as numbers of 32 bits, which hold the quotient. */
    @Test
    void smallWholeNumbersNeedNoGuard() {
        for (int type : new int[] {3, 5}) {
            for (String operator : List.of("Div", "Mod")) {
                Datatype datatype = type == 3 ? Datatype.INT8 : Datatype.INT16;
                long least = type == 3 ? Byte.MIN_VALUE : Short.MIN_VALUE;
                OnnxBytes graph = quotient(operator, type, Map.of());
                assertThat(answer(graph, datatype, new long[] {least, 7}, new long[] {-1, -1}))
                        .as(operator + datatype)
                        .isEqualTo(operator.equals("Mod") ? List.of(0L, 0L) : List.of(least, -7L));
            }
        }
    }

    @Test
    void divisionByZeroIsRefused() {
        try (LoadedModel model = folders.open(quotient("Div", OnnxBytes.INT64, Map.of()))) {
            List<Tensor> given = List.of(
                    Tensor.wholes("a", Datatype.INT64, new long[] {1, 1}, new long[] {4}),
                    Tensor.wholes("b", Datatype.INT64, new long[] {1, 1}, new long[] {0}));
            assertThatThrownBy(() -> model.predict(InputBinding.fit(model.inputs(), given)))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("zero");
        }
    }

    @Test
    void divisionWithinABranchIsGuarded() {
        OnnxBytes branch = new OnnxBytes()
                .node("Div", List.of("a", "b"), List.of("inner"), Map.of())
                .output("inner", OnnxBytes.INT64, "n", 1);
        OnnxBytes other = new OnnxBytes()
                .node("Mod", List.of("a", "b"), List.of("other"), Map.of())
                .output("other", OnnxBytes.INT64, "n", 1);
        OnnxBytes graph = new OnnxBytes()
                .input("a", OnnxBytes.INT64, "n", 1)
                .input("b", OnnxBytes.INT64, "n", 1)
                .wholes("first", 0)
                .wholes("end", 1)
                .wholes("flat")
                .node("Slice", List.of("a", "first", "end"), List.of("one"), Map.of())
                .node("Cast", List.of("one"), List.of("truth"), Map.of("to", 9))
                .node("Reshape", List.of("truth", "flat"), List.of("which"), Map.of())
                .node("If", List.of("which"), List.of("y"), Map.of("then_branch", branch, "else_branch", other))
                .output("y", OnnxBytes.INT64, "n", 1);
        assertThat(answer(graph, Datatype.INT64, new long[] {Long.MIN_VALUE, 4}, new long[] {-1, -1}))
                .containsExactly(Long.MIN_VALUE, -4L);
        assertThat(answer(graph, Datatype.INT64, new long[] {0, Long.MIN_VALUE}, new long[] {-1, -1}))
                .containsExactly(0L, 0L);
    }

    @Test
    void whatCannotDoHarmStaysAsItIs() {
        byte[] floats = quotient("Div", OnnxBytes.FLOAT, Map.of()).model();
        assertThat(guarded(floats)).isSameAs(floats);
        byte[] constant = new OnnxBytes()
                .input("a", OnnxBytes.INT64, "n", 1)
                .wholes("two", 2)
                .node("Identity", List.of("two"), List.of("same"), Map.of())
                .node("Div", List.of("a", "same"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, "n", 1)
                .model();
        assertThat(guarded(constant)).isSameAs(constant);
        byte[] minus = new OnnxBytes()
                .input("a", OnnxBytes.INT64, "n", 1)
                .wholes("two", -1)
                .node("Div", List.of("a", "two"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, "n", 1)
                .model();
        assertThat(guarded(minus)).isNotSameAs(minus);
    }

    /** Whose type is not known is guarded too, and floats come out as they do without. */
    @Test
    void quotientsOfFloatsAreWhatTheyAre() {
        OnnxBytes graph = new OnnxBytes()
                .input("a", OnnxBytes.FLOAT, "n", 1)
                .input("b", OnnxBytes.FLOAT, "n", 1)
                .node("HardSwish", List.of("a"), List.of("unknown"), Map.of())
                .node("Sub", List.of("unknown", "unknown"), List.of("none"), Map.of())
                .node("Add", List.of("none", "a"), List.of("same"), Map.of())
                .node("Add", List.of("none", "b"), List.of("by"), Map.of())
                .node("Div", List.of("same", "by"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", 1);
        double[] a = {1, -1, 3, 5, -2.5, 0, 1};
        double[] b = {-1, 0, 1, -0.5, -1, 0, Double.NaN};
        assertThat(guarded(graph.model())).isNotEqualTo(graph.model());
        try (LoadedModel model = folders.open(graph)) {
            Tensor answer = model.predict(InputBinding.fit(
                            model.inputs(),
                            List.of(
                                    Tensor.numbers("a", Datatype.FP32, new long[] {7, 1}, a),
                                    Tensor.numbers("b", Datatype.FP32, new long[] {7, 1}, b))))
                    .getFirst();
            for (int i = 0; i < a.length; i++) {
                assertThat((Double) answer.number(i)).isEqualTo(Double.valueOf((float) a[i] / (float) b[i]));
            }
        }
    }

    private static OnnxBytes counted(String operator, Map<String, Object> settings) {
        boolean sequence = operator.equals("SplitToSequence");
        return new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n")
                .floats("one", new long[] {1}, 1)
                .node("Expand", List.of("one", "x"), List.of("wide"), Map.of())
                .node(operator, List.of("wide"), List.of("found"), settings)
                .node(sequence ? "SequenceLength" : "Size", List.of("found"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64);
    }

    @Test
    void operatorsThatCollectOutsideOfTheAllocatorAreBounded() {
        long most = OnnxMemory.limit() / 4;
        Map<String, Integer> outside = Map.of("NonZero", 8, "Unique", 160, "SplitToSequence", 512);
        outside.forEach((operator, bytes) -> {
            try (LoadedModel model = folders.open(counted(operator, Map.of()))) {
                long answer = operator.equals("Unique") ? 1 : 5;
                assertThat(model.predict(List.of(size(5))).getFirst().whole(0)).isEqualTo(answer);
                long tooMany = most / bytes + 1;
                if (tooMany * 4 < OnnxMemory.limit()) {
                    assertThatThrownBy(() -> model.predict(List.of(size(tooMany))))
                            .hasMessageContaining("operator " + operator + " would take more values");
                }
            }
        });
    }

    /** Each of these ends ONNX Runtime 1.29 where it is not guarded. */
    @Test
    void diagonalsBeyondEveryMatrixAreTakenForTheFarthest() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "n")
                .input("k", OnnxBytes.INT64, 1)
                .node("Trilu", List.of("x", "k"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "n");
        double[] x = {1, 2, 3, 4};
        try (LoadedModel model = folders.open(graph)) {
            for (long k : new long[] {Long.MIN_VALUE, Long.MAX_VALUE, 1}) {
                Tensor answer = model.predict(List.of(
                                Tensor.numbers("x", Datatype.FP32, new long[] {2, 2}, x),
                                Tensor.wholes("k", Datatype.INT64, new long[] {1}, new long[] {k})))
                        .getFirst();
                for (int i = 0; i < 4; i++) {
                    boolean kept = i % 2 - i / 2 >= k;
                    assertThat((Double) answer.number(i)).as(k + "/" + i).isEqualTo(kept ? x[i] : 0);
                }
            }
        }
    }

    @Test
    void operatorsThatOnlyItsOptimizerWritesAreRefused() {
        for (OnnxBytes graph : List.of(
                product("nchwc:Conv", Map.of()),
                product("ms:DynamicQuantizeMatMul", Map.of()),
                product("ms:MatMulIntegerToFloat", Map.of()),
                product("ms:FusedMatMul", Map.of("transBatchA", 1)),
                product("ms:FusedMatMul", Map.of("transBatchB", 1)))) {
            assertThatThrownBy(() -> folders.open(graph))
                    .hasMessageContaining("as it was before ONNX Runtime optimized");
        }
        try (LoadedModel model = folders.open(product("ms:FusedMatMul", Map.of("transA", 1)))) {
            assertThat(model).isNotNull();
        }
    }

    /** Each of these ends ONNX Runtime 1.29 for some inputs, or was never tried. */
    @Test
    void operatorsOfMicrosoftThatNoExporterWritesAreRefused() {
        for (String operator : List.of("GroupQueryAttention", "Range", "BeamSearch", "NGramRepeatBlock", "MoE")) {
            assertThatThrownBy(() -> folders.open(product("ms:" + operator, Map.of())))
                    .hasMessageContaining("is the operator " + operator + " of com.microsoft")
                    .hasMessageContaining("as a Python model, which runs in a process of its own");
        }
    }

    @Test
    void quantizedOperatorsHaveAllInputsThatAreRead() {
        byte[] sigmoid = new OnnxBytes()
                .input("x", UINT8, "n")
                .floats("scale", new long[0], 1)
                .input("zero", UINT8)
                .node("ms:QLinearSigmoid", List.of("x", "scale", "zero", "scale"), List.of("y"), Map.of())
                .output("y", UINT8, "n")
                .model();
        assertThatThrownBy(() -> guarded(sigmoid)).hasMessageContaining("lacks an input that ONNX Runtime reads");
        OnnxBytes empty = new OnnxBytes()
                .input("x", UINT8, "n")
                .floats("scale", new long[] {0})
                .input("zero", UINT8)
                .node("ms:QLinearSigmoid", List.of("x", "scale", "zero", "scale", "zero"), List.of("y"), Map.of())
                .output("y", UINT8, "n");
        assertThatThrownBy(() -> {
                    try (LoadedModel model = folders.open(empty)) {
                        model.predict(List.of(
                                Tensor.wholes("x", Datatype.UINT8, new long[] {1}, new long[] {3}),
                                Tensor.wholes("zero", Datatype.UINT8, new long[0], new long[] {0})));
                    }
                })
                .isInstanceOf(TidemillException.class);
    }

    /** What has no values is not looked at before its size in the second dimension is read. */
    @Test
    void tensorsOfOtherRanksAreNotJoined() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 2)
                .input("flat", OnnxBytes.FLOAT, "m")
                .input("shape", OnnxBytes.INT64, "rank")
                .node("Reshape", List.of("flat", "shape"), List.of("any"), Map.of())
                .node("Concat", List.of("x", "any"), List.of("y"), Map.of("axis", 1))
                .output("y", OnnxBytes.FLOAT, "n", "k");
        Tensor x = zeros("x", 3, 2);
        try (LoadedModel model = folders.open(graph)) {
            assertThat(model.predict(List.of(x, zeros("flat", 3), shape(3, 1)))
                            .getFirst()
                            .shape())
                    .containsExactly(3, 3);
            assertThatThrownBy(() -> model.predict(List.of(x, zeros("flat", 0), shape(0))))
                    .isInstanceOf(TidemillException.class);
        }
        byte[] known = new OnnxBytes()
                .input("a", OnnxBytes.FLOAT, "n", 2)
                .input("b", OnnxBytes.FLOAT, "n", 1)
                .node("Relu", List.of("a"), List.of("c"), Map.of())
                .node("Concat", List.of("c", "b"), List.of("y"), Map.of("axis", 1))
                .output("y", OnnxBytes.FLOAT, "n", 3)
                .model();
        assertThat(guarded(known)).isSameAs(known);
    }

    private static Tensor shape(long... sizes) {
        return Tensor.wholes("shape", Datatype.INT64, new long[] {sizes.length}, sizes);
    }

    @Test
    void placesThatTreesDoNotHaveAreRefused() {
        byte[] graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .node(
                        "ml:TreeEnsemble",
                        List.of("x"),
                        List.of("y"),
                        Map.of("tree_roots", new long[] {16}, "n_targets", 1))
                .output("y", OnnxBytes.FLOAT, "n", 1)
                .model();
        assertThatThrownBy(() -> guarded(graph)).hasMessageContaining("tree_roots has 16, which is no place");
        byte[] batches = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1)
                .wholes("places", 0)
                .node("GatherND", List.of("x", "places"), List.of("y"), Map.of("batch_dims", -2))
                .output("y", OnnxBytes.FLOAT, "n")
                .model();
        assertThatThrownBy(() -> guarded(batches)).hasMessageContaining("GatherND of ONNX with batch_dims -2");
    }

    /** Each of these ended ONNX Runtime 1.29. */
    @Test
    void listsOfOtherLengthsThanThereAreDimensionsAreRefused() {
        OnnxBytes resized = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 1, 1, "h", "w")
                .input("scales", OnnxBytes.FLOAT, "k")
                .node("Resize", List.of("x", "", "scales"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, 1, 1, "i", "j");
        Tensor x = zeros("x", 1, 1, 2, 2);
        try (LoadedModel model = folders.open(resized)) {
            Tensor twice = Tensor.numbers("scales", Datatype.FP32, new long[] {4}, new double[] {1, 1, 2, 2});
            assertThat(model.predict(List.of(x, twice)).getFirst().shape()).containsExactly(1, 1, 4, 4);
            double[] many = new double[64];
            Arrays.fill(many, 1);
            assertThatThrownBy(() ->
                            model.predict(List.of(x, Tensor.numbers("scales", Datatype.FP32, new long[] {64}, many))))
                    .isInstanceOf(TidemillException.class);
        }
        OnnxBytes cropped = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 1, 1, "h", "w")
                .input("region", OnnxBytes.FLOAT, "k")
                .floats("scales", new long[] {4}, 1, 1, 1, 1)
                .node(
                        "Resize",
                        List.of("x", "region", "scales"),
                        List.of("y"),
                        Map.of("coordinate_transformation_mode", "tf_crop_and_resize"))
                .output("y", OnnxBytes.FLOAT, 1, 1, "i", "j");
        try (LoadedModel model = folders.open(cropped)) {
            double[] whole = {0, 0, 0, 0, 1, 1, 1, 1};
            assertThat(model.predict(List.of(x, Tensor.numbers("region", Datatype.FP32, new long[] {8}, whole))))
                    .isNotEmpty();
            assertThatThrownBy(() -> model.predict(List.of(x, zeros("region", 1))))
                    .isInstanceOf(TidemillException.class);
        }
        // Sums along axes that are told without a dimension, as ONNX takes them from version 13.
        OnnxBytes summed = new OnnxBytes()
                .input("z", OnnxBytes.FLOAT, "n", "m")
                .input("axis", OnnxBytes.INT64, 1)
                .wholes("flat")
                .node("Reshape", List.of("axis", "flat"), List.of("scalar"), Map.of())
                .node("ReduceSum", List.of("z", "scalar"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "k", "l");
        try (LoadedModel model = folders.open(summed)) {
            Tensor axis = Tensor.wholes("axis", Datatype.INT64, new long[] {1}, new long[] {1});
            assertThatThrownBy(() -> model.predict(List.of(zeros("z", 2, 0), axis)))
                    .isInstanceOf(TidemillException.class);
        }
        byte[] pool = reading("MaxPool", 3, Map.of("kernel_shape", new long[] {1L << 31}))
                .model();
        assertThatThrownBy(() -> guarded(pool)).hasMessageContaining("with kernel_shape [2147483648]");
    }

    /** A graph that defines what a guard reads could tell it anything. */
    @Test
    void namesOfGuardsAreTheServersOwn() {
        byte[] graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n")
                .whole("tidemill//budget", Long.MAX_VALUE)
                .node("NonZero", List.of("x"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, 1, "k")
                .model();
        assertThatThrownBy(() -> guarded(graph)).hasMessageContaining("a name that this server keeps for itself");
    }

    private static OnnxBytes product(String operator, Map<String, Object> attributes) {
        return new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 2)
                .input("z", OnnxBytes.FLOAT, "n", 2)
                .node(operator, List.of("x", "z"), List.of("y"), attributes)
                .output("y", OnnxBytes.FLOAT, 2, 2);
    }

    @Test
    void recurrentNetworksWithoutAStepAreRefused() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "t", "n", 1)
                .floats("w", new long[] {1, 4, 1}, 1, 1, 1, 1)
                .floats("r", new long[] {1, 4, 1}, 1, 1, 1, 1)
                .node("LSTM", List.of("x", "w", "r"), List.of("y"), Map.of("hidden_size", 1))
                .output("y", OnnxBytes.FLOAT, "t", 1, "n", 1);
        try (LoadedModel model = folders.open(graph)) {
            Tensor step = Tensor.numbers("x", Datatype.FP32, new long[] {2, 1, 1}, new double[] {1, 2});
            assertThat(model.predict(List.of(step)).getFirst().shape()).containsExactly(2, 1, 1, 1);
            Tensor none = Tensor.numbers("x", Datatype.FP32, new long[] {0, 0, 1}, new double[0]);
            assertThatThrownBy(() -> model.predict(List.of(none))).isInstanceOf(TidemillException.class);
        }
    }

    @Test
    void attentionHasAsManyHeadsAsAModelHas() {
        for (long heads : new long[] {0, -1, 1L << 40}) {
            byte[] graph = new OnnxBytes()
                    .input("q", OnnxBytes.FLOAT, "n", 2, 4)
                    .node(
                            "Attention",
                            List.of("q", "q", "q"),
                            List.of("y"),
                            Map.of("q_num_heads", heads, "kv_num_heads", heads))
                    .output("y", OnnxBytes.FLOAT, "n", 2, 4)
                    .model();
            assertThatThrownBy(() -> guarded(graph)).hasMessageContaining("is no number from 1 to 65536");
        }
    }

    private static Tensor zeros(String name, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        return Tensor.numbers(name, Datatype.FP32, shape, new double[count]);
    }

    private static OnnxBytes reading(String operator, int dimensions, Map<String, Object> settings) {
        return new OnnxBytes()
                .input(
                        "x",
                        OnnxBytes.FLOAT,
                        List.of("a", "b", "c").subList(0, dimensions).toArray())
                .node(operator, List.of("x"), List.of("y"), settings)
                .output(
                        "y",
                        OnnxBytes.FLOAT,
                        List.of("d", "e", "f").subList(0, dimensions).toArray());
    }

    private void refuses(String operator, OnnxBytes graph, List<Tensor> fits, List<Tensor> ends) {
        try (LoadedModel model = folders.open(graph)) {
            assertThat(model.predict(fits)).isNotEmpty();
            assertThatThrownBy(() -> model.predict(ends))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("operator " + operator + " is given nothing to compute with");
            assertThat(model.predict(fits)).isNotEmpty();
        }
    }

    @Test
    void nothingToNormalizeTransformOrInvertIsRefused() {
        refuses(
                "LpNormalization",
                reading("LpNormalization", 2, Map.of()),
                List.of(zeros("x", 1, 2)),
                List.of(zeros("x", 1, 0)));
        refuses(
                "DFT",
                reading("DFT", 3, Map.of("axis", 1)),
                List.of(zeros("x", 1, 4, 1)),
                List.of(zeros("x", 1, 0, 1)));
        Tensor unit = Tensor.numbers("x", Datatype.FP32, new long[] {2, 2}, new double[] {1, 0, 0, 1});
        try (LoadedModel model = folders.open(reading("ms:Inverse", 2, Map.of()))) {
            assertThat(model.predict(List.of(unit)).getFirst().number(0)).isEqualTo(1);
            assertThatThrownBy(() -> model.predict(List.of(zeros("x", 2, 3)))).isInstanceOf(TidemillException.class);
        }
        byte[] both = reading("DFT", 3, Map.of("axis", 1, "inverse", 1, "onesided", 1))
                .model();
        assertThatThrownBy(() -> guarded(both)).hasMessageContaining("is a DFT that is both");
    }

    @Test
    void framesOfNoLengthAreRefused() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "t", 1)
                .input("length", OnnxBytes.INT64, 1)
                .wholes("flat")
                .whole("step", 1)
                .node("Reshape", List.of("length", "flat"), List.of("scalar"), Map.of())
                .node("STFT", List.of("x", "step", "", "scalar"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "f", "k", 2);
        Tensor signal = zeros("x", 1, 16, 1);
        refuses(
                "STFT",
                graph,
                List.of(signal, Tensor.wholes("length", Datatype.INT64, new long[] {1}, new long[] {4})),
                List.of(signal, Tensor.wholes("length", Datatype.INT64, new long[] {1}, new long[] {0})));
        OnnxBytes windowed = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "t", 1)
                .input("window", OnnxBytes.FLOAT, "w")
                .whole("step", 1)
                .node("STFT", List.of("x", "step", "window"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "f", "k", 2);
        refuses("STFT", windowed, List.of(signal, zeros("window", 4)), List.of(signal, zeros("window", 0)));
    }

    @Test
    void theMostOfNoRowsAreRefusedButNoneOfNoValuesAreGiven() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "m")
                .input("k", OnnxBytes.INT64, 1)
                .node("TopK", List.of("x", "k"), List.of("y", "places"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "k");
        Tensor one = Tensor.wholes("k", Datatype.INT64, new long[] {1}, new long[] {1});
        Tensor none = Tensor.wholes("k", Datatype.INT64, new long[] {1}, new long[] {0});
        refuses("TopK", graph, List.of(zeros("x", 2, 3), one), List.of(zeros("x", 0, 3), one));
        try (LoadedModel model = folders.open(graph)) {
            assertThat(model.predict(List.of(zeros("x", 2, 0), none)).getFirst().shape())
                    .containsExactly(2, 0);
        }
    }

    @Test
    void attentionOfNoWidthIsRefused() {
        OnnxBytes graph = new OnnxBytes()
                .input("q", OnnxBytes.FLOAT, "n", "t", "w")
                .input("v", OnnxBytes.FLOAT, "n", "t", "w")
                .node("ms:MultiHeadAttention", List.of("q", "q", "v"), List.of("y"), Map.of("num_heads", 2))
                .output("y", OnnxBytes.FLOAT, "n", "t", "w");
        refuses(
                "MultiHeadAttention",
                graph,
                List.of(zeros("q", 1, 2, 4), zeros("v", 1, 2, 4)),
                List.of(zeros("q", 1, 2, 0), zeros("v", 1, 2, 0)));
    }

    @Test
    void convolutionsWithoutAnyWeightOrPlaceAreRefused() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "c", "t")
                .input("w", OnnxBytes.FLOAT, "c", 1, 2)
                .node("ConvTranspose", List.of("x", "w"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "k", "s");
        refuses(
                "ConvTranspose",
                graph,
                List.of(zeros("x", 1, 1, 3), zeros("w", 1, 1, 2)),
                List.of(zeros("x", 1, 1, 0), zeros("w", 1, 1, 2)));
        // Weights that the model holds need no guard, also behind what dequantizes them.
        byte[] held = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", 1, "t")
                .floats("w", new long[] {1, 1, 2}, 1, 1)
                .node("Identity", List.of("w"), List.of("same"), Map.of())
                .node("Conv", List.of("x", "same"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", 1, "s")
                .model();
        assertThat(guarded(held)).isSameAs(held);
        byte[] given = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n", "c", "t")
                .input("w", OnnxBytes.FLOAT, "m", "c", 2)
                .node("Conv", List.of("x", "w"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", "m", "s")
                .model();
        assertThat(guarded(given)).isNotSameAs(given);
    }

    private static Tensor size(long size) {
        return Tensor.wholes("x", Datatype.INT64, new long[] {1}, new long[] {size});
    }
}
