package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.trees.OnnxGraph;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RowAnalysisTest {
    private static OnnxBytes of(String type, List<String> given, Map<String, Object> attributes) {
        return new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "rows", 4)
                .node(type, given, List.of("y"), attributes)
                .floats("w", new long[] {4, 3}, new float[12])
                .floats("row", new long[] {1, 4}, 1, 2, 3, 4)
                .floats("two", new long[] {2, 4}, new float[8])
                .floats("each", new long[] {4}, 1, 2, 3, 4)
                .wholes("zero", 0)
                .wholes("one", 1)
                .wholes("keep", 0, 2, 2)
                .wholes("infer", -1, 4)
                .wholes("join", -1, 2)
                .output("y", OnnxBytes.FLOAT, "rows", 4);
    }

    private static RowAnalysis.Verdict verdict(OnnxBytes model) {
        return RowAnalysis.of(OnnxGraph.parse(model.model()));
    }

    private static void rowWise(String type, List<String> given, Map<String, Object> attributes) {
        assertThat(verdict(of(type, given, attributes))).isEqualTo(new RowAnalysis.Verdict(true, ""));
    }

    private static void mixed(String reason, String type, List<String> given, Map<String, Object> attributes) {
        RowAnalysis.Verdict verdict = verdict(of(type, given, attributes));
        assertThat(verdict.rowWise()).as(type + " " + given + " " + attributes).isFalse();
        assertThat(verdict.reason()).contains(reason).contains(type.replace("ml:", ""));
    }

    @Test
    void whatLeavesRowsApartIsKnown() {
        rowWise("Relu", List.of("x"), Map.of());
        rowWise("Tanh", List.of("x"), Map.of());
        rowWise("MatMul", List.of("x", "w"), Map.of());
        rowWise("Gemm", List.of("x", "w"), Map.of());
        rowWise("Add", List.of("x", "row"), Map.of());
        rowWise("Sub", List.of("each", "x"), Map.of());
        rowWise("Mul", List.of("x", "x"), Map.of());
        rowWise("Softmax", List.of("x"), Map.of());
        rowWise("ArgMax", List.of("x"), Map.of("axis", 1));
        rowWise("Concat", List.of("x", "x"), Map.of("axis", -1));
        rowWise("Reshape", List.of("x", "keep"), Map.of());
        rowWise("Reshape", List.of("x", "infer"), Map.of());
        rowWise("Transpose", List.of("x"), Map.of("perm", new long[] {0, 1}));
        rowWise("Unsqueeze", List.of("x", "one"), Map.of());
        rowWise("Gather", List.of("x", "one"), Map.of("axis", 1));
        rowWise("Dropout", List.of("x"), Map.of());
        rowWise("ml:Scaler", List.of("x"), Map.of());
    }

    /** Sums of whole numbers are exact in any order; those of floats are not. */
    @Test
    void wholeNumbersMayBeReducedAlongARow() {
        assertThat(wholes(Map.of("axes", new long[] {-1})).rowWise()).isTrue();
        assertThat(wholes(Map.of("axes", new long[] {1})).rowWise()).isTrue();
        assertThat(wholes(Map.of()).reason()).contains("works over all rows");
        assertThat(wholes(Map.of("axes", new long[] {0})).reason()).contains("along the rows");
        assertThat(wholes(Map.of("axes", new long[] {-2})).reason()).contains("along the rows");
    }

    private static RowAnalysis.Verdict wholes(Map<String, Object> attributes) {
        return verdict(new OnnxBytes()
                .input("x", OnnxBytes.INT64, "rows", 4)
                .node("ReduceMax", List.of("x"), List.of("y"), attributes)
                .output("y", OnnxBytes.INT64, "rows", 1));
    }

    @Test
    void whatMixesRowsOrMayIsNot() {
        for (String type :
                List.of("ReduceL1", "ReduceL2", "ReduceMean", "ReduceProd", "ReduceSumSquare", "ReduceMax")) {
            mixed("where in memory a row stands", type, List.of("x"), Map.of("axes", new long[] {-1}));
        }
        mixed("where in memory a row stands", "ReduceSum", List.of("x", "one"), Map.of());
        mixed("along the rows", "Softmax", List.of("x"), Map.of("axis", 0));
        mixed("along the rows", "ArgMax", List.of("x"), Map.of());
        mixed("along the rows", "CumSum", List.of("x", "zero"), Map.of());
        mixed("along the rows", "Concat", List.of("x", "x"), Map.of("axis", 0));
        mixed("constant of 2", "Add", List.of("x", "two"), Map.of());
        mixed("multiplies rows with rows", "Gemm", List.of("x", "x"), Map.of("transA", 1));
        mixed("multiplies rows with rows", "MatMul", List.of("x", "x"), Map.of());
        mixed("moves the dimension", "Transpose", List.of("x"), Map.of());
        mixed("may join the rows", "Reshape", List.of("x", "join"), Map.of());
        mixed("along the rows", "Unsqueeze", List.of("x", "zero"), Map.of());
        mixed("drops the dimension", "Squeeze", List.of("x"), Map.of());
        mixed("along the rows", "Gather", List.of("x", "zero"), Map.of("axis", 0));
        mixed("range of all rows", "DynamicQuantizeLinear", List.of("x"), Map.of());
        mixed("random", "RandomNormalLike", List.of("x"), Map.of());
        mixed(
                "training mode",
                "BatchNormalization",
                List.of("x", "each", "each", "each", "each"),
                Map.of("training_mode", 1));
        mixed("not known", "TopK", List.of("x", "one"), Map.of());
        mixed("not known", "NonZero", List.of("x"), Map.of());
        mixed("not known", "Log", List.of("x"), Map.of());
        mixed("not known", "ml:TfIdfVectorizer", List.of("x"), Map.of());
    }

    @Test
    void everyInputAndOutputMustCountTheSameRows() {
        OnnxBytes apart = new OnnxBytes()
                .input("a", OnnxBytes.FLOAT, "n", 2)
                .input("b", OnnxBytes.FLOAT, "m", 2)
                .node("Add", List.of("a", "b"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, "n", 2);
        assertThat(verdict(apart).reason()).contains("'a' and 'b' are not declared to be the same");
        OnnxBytes scalar = new OnnxBytes()
                .input("a", OnnxBytes.FLOAT)
                .node("Neg", List.of("a"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT);
        assertThat(verdict(scalar).reason()).contains("no dimension that counts rows");
        OnnxBytes constant = new OnnxBytes()
                .input("a", OnnxBytes.FLOAT, "n", 2)
                .floats("c", new long[] {2, 2}, 1, 2, 3, 4)
                .node("Neg", List.of("c"), List.of("y"), Map.of())
                .output("y", OnnxBytes.FLOAT, 2, 2);
        assertThat(verdict(constant).reason()).contains("'y' does not depend on the rows");
    }
}
