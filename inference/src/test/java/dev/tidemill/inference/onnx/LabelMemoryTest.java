package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Characters of labels lie outside of the memory that ONNX Runtime is limited to: how many of them a run makes is bounded. */
@Timeout(300)
class LabelMemoryTest {
    private static final String LONG = "a".repeat(256);
    private static final String SHORT = "a".repeat(15);
    /** What a label of 256 letters takes outside at least. */
    private static final long BYTES = 272;

    @TempDir
    Path directory;

    private OnnxFolders folders;

    @BeforeEach
    void start() {
        folders = new OnnxFolders(directory);
    }

    /** Whole numbers that are all 0, as many as it is asked for; and the same as rows of floats. */
    private static OnnxBytes zeros() {
        return new OnnxBytes()
                .input("size", OnnxBytes.INT64, 1)
                .wholes("nothing", 0)
                .wholes("column", -1, 1)
                .node("Expand", List.of("nothing", "size"), List.of("zeros"), Map.of());
    }

    private static OnnxBytes rows() {
        return zeros().node("Cast", List.of("zeros"), List.of("floats"), Map.of("to", OnnxBytes.FLOAT))
                .node("Reshape", List.of("floats", "column"), List.of("rows"), Map.of());
    }

    private static OnnxBytes texts(OnnxBytes graph, String name, String text) {
        return graph.node("Constant", List.of(), List.of(name), Map.of("value_strings", List.of(text)));
    }

    private static Map<String, Object> encoding(String text) {
        return Map.of("keys_int64s", new long[] {0}, "values_strings", List.of(text));
    }

    private static OnnxBytes counted(OnnxBytes graph, String label) {
        return graph.node("Size", List.of(label), List.of("y"), Map.of()).output("y", OnnxBytes.INT64);
    }

    private static long answer(LoadedModel model, long size) {
        return model.predict(List.of(Tensor.wholes("size", Datatype.INT64, new long[] {1}, new long[] {size})))
                .getFirst()
                .whole(0);
    }

    /** Of {@code tooMany} values the characters alone would be more than a run may take. */
    private static long tooMany(int nodes) {
        return OnnxMemory.limit() / 4 / BYTES / nodes + 1;
    }

    private void refuses(String operator, OnnxBytes graph, long values) {
        try (LoadedModel model = folders.open(graph)) {
            assertThat(answer(model, 5)).as(operator).isEqualTo(5);
            assertThatThrownBy(() -> answer(model, values))
                    .as(operator)
                    .isInstanceOfSatisfying(
                            TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .hasMessageContaining("operator " + operator + " would take more values than the memory");
            assertThat(answer(model, 5)).as(operator).isEqualTo(5);
        }
    }

    @Test
    void labelsOfNumbersAreBounded() {
        refuses(
                "LabelEncoder",
                counted(zeros().node("ml:LabelEncoder", List.of("zeros"), List.of("label"), encoding(LONG)), "label"),
                tooMany(1));
        refuses(
                "CategoryMapper",
                counted(
                        zeros().node(
                                        "ml:CategoryMapper",
                                        List.of("zeros"),
                                        List.of("label"),
                                        Map.of("cats_int64s", new long[] {0}, "cats_strings", List.of(LONG))),
                        "label"),
                tooMany(1));
        refuses(
                "Cast",
                counted(
                        zeros().wholes("huge", Long.MIN_VALUE)
                                .node("Add", List.of("zeros", "huge"), List.of("many"), Map.of())
                                .node("Cast", List.of("many"), List.of("label"), Map.of("to", OnnxBytes.STRING)),
                        "label"),
                OnnxMemory.limit() / 4 / 48 + 1);
    }

    /** Reshapes one after another are not made one, of which a guard would be left out. */
    @Test
    void labelsOfReshapedNumbersAreBounded() {
        OnnxBytes graph = zeros().wholes("flat", -1)
                .node("Reshape", List.of("zeros", "column"), List.of("upright"), Map.of())
                .node("Reshape", List.of("upright", "flat"), List.of("again"), Map.of())
                .node("ml:LabelEncoder", List.of("again"), List.of("label"), encoding(LONG));
        refuses("LabelEncoder", counted(graph, "label"), tooMany(1));
    }

    @Test
    void labelsOfClassifiersAreBoundedByRows() {
        Map<String, Object> classes = Map.of(
                "coefficients",
                new float[] {1, -1},
                "intercepts",
                new float[] {0, 0},
                "classlabels_strings",
                List.of(LONG, "b"));
        refuses(
                "LinearClassifier",
                counted(
                        rows().node("ml:LinearClassifier", List.of("rows"), List.of("label", "scores"), classes),
                        "label"),
                tooMany(1));
        // Few rows of many features are no more labels than rows.
        int width = (int) tooMany(1);
        OnnxBytes wide = new OnnxBytes()
                .input("size", OnnxBytes.INT64, 1)
                .floats("one", new long[] {1}, 0)
                .wholes("flat", 1, -1)
                .node("Expand", List.of("one", "size"), List.of("many"), Map.of())
                .node("Reshape", List.of("many", "flat"), List.of("row"), Map.of())
                .node(
                        "ml:LinearClassifier",
                        List.of("row"),
                        List.of("label", "scores"),
                        Map.of(
                                "coefficients",
                                new float[2 * width],
                                "intercepts",
                                new float[] {0, 0},
                                "classlabels_strings",
                                List.of(LONG, "b")));
        try (LoadedModel model = folders.open(counted(wide, "label"))) {
            assertThat(answer(model, width)).isEqualTo(1);
        }
    }

    @Test
    void labelsThatAreTakenFromTheGraphAreBounded() {
        for (String operator : List.of("Gather", "GatherElements", "ml:ArrayFeatureExtractor", "GatherND")) {
            OnnxBytes graph = texts(zeros(), "texts", LONG)
                    .node("Reshape", List.of("zeros", "column"), List.of("places"), Map.of())
                    .node(
                            operator,
                            List.of("texts", operator.equals("GatherND") ? "places" : "zeros"),
                            List.of("label"),
                            Map.of());
            refuses(operator.substring(operator.indexOf(':') + 1), counted(graph, "label"), tooMany(1));
        }
        // Each place is a row of three.
        OnnxBytes threefold = zeros().node(
                        "Constant", List.of(), List.of("flat"), Map.of("value_strings", List.of(LONG, "b", "c")))
                .wholes("row", 1, 3)
                .wholes("third", 3)
                .node("Reshape", List.of("flat", "row"), List.of("texts"), Map.of())
                .node("Gather", List.of("texts", "zeros"), List.of("label"), Map.of())
                .node("Size", List.of("label"), List.of("all"), Map.of())
                .node("Div", List.of("all", "third"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, 1);
        refuses("Gather", threefold, tooMany(3));
        OnnxBytes chosen = texts(texts(zeros(), "one", LONG), "other", "b")
                .node("Cast", List.of("zeros"), List.of("which"), Map.of("to", OnnxBytes.BOOL))
                .node("Where", List.of("which", "other", "one"), List.of("label"), Map.of());
        refuses("Where", counted(chosen, "label"), tooMany(1));
    }

    /** One vector of labels as a row and as a column is a square. */
    @Test
    void choicesAreBoundedByWhatTheyAreTogether() {
        OnnxBytes graph = zeros().wholes("upright", -1, 1)
                .node("ml:LabelEncoder", List.of("zeros"), List.of("row"), encoding(LONG))
                .node("Reshape", List.of("row", "upright"), List.of("upright_row"), Map.of())
                .truth("yes")
                .node("Where", List.of("yes", "row", "upright_row"), List.of("square"), Map.of())
                .node("Size", List.of("square"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64);
        long side = (long) Math.sqrt(tooMany(1)) + 1;
        try (LoadedModel model = folders.open(graph)) {
            assertThat(answer(model, 5)).isEqualTo(25);
            assertThatThrownBy(() -> answer(model, side))
                    .hasMessageContaining("operator Where would take more values than the memory");
        }
    }

    /** All are there at a time. */
    @Test
    void labelsOfSeveralOperatorsShareOneBound() {
        OnnxBytes graph = zeros();
        List<String> labels = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            graph.node("ml:LabelEncoder", List.of("zeros"), List.of("label" + i), encoding(LONG));
            labels.add("label" + i);
        }
        graph.node("Concat", labels, List.of("all"), Map.of("axis", 0))
                .wholes("eight", 8)
                .node("Size", List.of("all"), List.of("many"), Map.of())
                .node("Div", List.of("many", "eight"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, 1);
        refuses("LabelEncoder", graph, tooMany(16));
        OnnxBytes joined = zeros().node("ml:LabelEncoder", List.of("zeros"), List.of("label"), encoding(LONG))
                .node("Concat", Collections.nCopies(64, "label"), List.of("all"), Map.of("axis", 0))
                .wholes("many", 64)
                .node("Size", List.of("all"), List.of("size64"), Map.of())
                .node("Div", List.of("size64", "many"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, 1);
        refuses("Concat", joined, tooMany(64));
    }

    @Test
    void mapsOfScoresAreBounded() {
        OnnxBytes answered = rows().node(
                        "ml:ZipMap", List.of("rows"), List.of("maps"), Map.of("classlabels_int64s", new long[] {1}))
                .node("Size", List.of("rows"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64);
        refuses("ZipMap", answered, OnnxMemory.limit() / 4 / 64 + 1);
    }

    /** Short ones are in their tensor, which ONNX Runtime's limit counts. */
    @Test
    void shortLabelsAreNotBounded() {
        OnnxBytes graph =
                counted(zeros().node("ml:LabelEncoder", List.of("zeros"), List.of("label"), encoding(SHORT)), "label");
        long many = Math.min(4_000_000, OnnxMemory.limit() / 2 / 32);
        try (LoadedModel model = folders.open(graph)) {
            assertThat(answer(model, many)).isEqualTo(many);
        }
    }

    @Test
    void fillingsOfWordsAreShort() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.STRING, "n")
                .node(
                        "ms:Tokenizer",
                        List.of("x"),
                        List.of("words"),
                        Map.of("mark", 0, "mincharnum", 1, "pad_value", "#".repeat(16), "tokenexp", "[a-z]+"))
                .output("words", OnnxBytes.STRING, "m", "k");
        assertThatThrownBy(() -> folders.open(graph)).hasMessageContaining("with a text of 16 bytes (pad_value)");
    }

    /** Each of so many nodes has a copy of a request's text. */
    @Test
    void copiesOfARequestsTextsAreBounded() {
        int copies = 512;
        OnnxBytes graph = new OnnxBytes().input("x", OnnxBytes.STRING, "n").wholes("flat", -1);
        for (int i = 0; i < copies; i++) {
            graph.node(
                    "StringNormalizer",
                    List.of("x"),
                    List.of("copy" + i),
                    Map.of("case_change_action", "LOWER", "locale", "C"));
        }
        for (int i = 0; i < copies; i++) {
            graph.node("Size", List.of("copy" + i), List.of("size" + i), Map.of());
        }
        graph.output("size0", OnnxBytes.INT64).output("size" + (copies - 1), OnnxBytes.INT64);
        try (LoadedModel model = folders.open(graph)) {
            byte[][] few = {"one".getBytes(StandardCharsets.UTF_8)};
            assertThat(model.predict(List.of(Tensor.texts("x", new long[] {1}, few))))
                    .hasSize(2);
            byte[][] much = {new byte[(int) (OnnxMemory.limit() / 4 / copies)]};
            Arrays.fill(much[0], (byte) 'a');
            assertThatThrownBy(() -> model.predict(List.of(Tensor.texts("x", new long[] {1}, much))))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("makes copies of texts");
        }
    }
}
