package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.trees.OnnxGraph;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GraphClassesTest {
    private static final List<String> LABEL_AND_SCORES = List.of("label", "scores");

    private static List<String> classes(OnnxBytes model) {
        return GraphClasses.of(OnnxGraph.parse(model.model()));
    }

    private static OnnxBytes classifier(String type, Map<String, Object> attributes) {
        return new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "rows", 4)
                .node(type, List.of("x"), LABEL_AND_SCORES, attributes);
    }

    @Test
    void aClassifierNamesThem() {
        assertThat(classes(classifier("ml:LinearClassifier", Map.of("classlabels_ints", new long[] {3, 5, 8}))
                        .output("label", OnnxBytes.INT64, "rows")))
                .containsExactly("3", "5", "8");
        assertThat(classes(classifier("ml:SVMClassifier", Map.of("classlabels_strings", List.of("paid", "late")))
                        .output("label", OnnxBytes.STRING, "rows")))
                .containsExactly("paid", "late");
        assertThat(classes(classifier("ml:TreeEnsembleClassifier", Map.of("classlabels_int64s", new long[] {0, 1}))
                        .node("Cast", List.of("label"), List.of("cast"), Map.of("to", OnnxBytes.INT64))
                        .node("Identity", List.of("cast"), List.of("y"), Map.of())
                        .output("y", OnnxBytes.INT64, "rows")))
                .as("what leaves the label as it is")
                .containsExactly("0", "1");
    }

    @Test
    void theListNamesThemFromWhichThePlaceOfTheGreatestScoreChooses() {
        assertThat(classes(chosen("ArgMax"))).containsExactly("2", "4", "9");
        assertThat(classes(chosen("Relu"))).isEmpty();
    }

    /** As skl2onnx writes networks, neighbours and Bayes. */
    private static OnnxBytes chosen(String by) {
        return new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "rows", 3)
                .node(by, List.of("x"), List.of("place"), Map.of())
                .wholes("classes", 2, 4, 9)
                .wholes("flat", -1)
                .node("ml:ArrayFeatureExtractor", List.of("classes", "place"), List.of("one"), Map.of())
                .node("Reshape", List.of("one", "flat"), List.of("y"), Map.of())
                .output("y", OnnxBytes.INT64, "rows");
    }

    @Test
    void whatIsNoClassNamesNone() {
        Map<String, Object> names = Map.of("classlabels_ints", new long[] {0, 1});
        assertThat(classes(classifier("ml:LinearClassifier", names).output("scores", OnnxBytes.FLOAT, "rows", 2)))
                .as("the scores come first")
                .isEmpty();
        assertThat(classes(classifier("ml:LinearClassifier", Map.of("classlabels_ints", new long[] {1, 1}))
                        .output("label", OnnxBytes.INT64, "rows")))
                .as("two of one name")
                .isEmpty();
        assertThat(classes(new OnnxBytes()
                        .input("x", OnnxBytes.FLOAT, "rows", 3)
                        .node("ml:LinearRegressor", List.of("x"), List.of("y"), Map.of())
                        .output("y", OnnxBytes.FLOAT, "rows")))
                .isEmpty();
        assertThat(classes(new OnnxBytes()
                        .input("x", OnnxBytes.FLOAT, "rows", 3)
                        .node("Identity", List.of("x"), List.of("y"), Map.of())
                        .output("y", OnnxBytes.FLOAT, "rows", 3)))
                .isEmpty();
    }
}
