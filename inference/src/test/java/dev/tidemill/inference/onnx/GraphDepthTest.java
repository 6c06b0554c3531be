package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxTrees;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that ONNX Runtime follows too deep for its stack are refused before it sees them. */
class GraphDepthTest {
    private static ByteString node(String domain, String type, ByteString... attributes) {
        return OnnxBytes.message(out -> {
            out.writeString(1, "a");
            out.writeString(2, "b");
            out.writeString(4, type);
            for (ByteString attribute : attributes) {
                out.writeBytes(5, attribute);
            }
            out.writeString(7, domain);
        });
    }

    private static ByteString function(String domain, String name, ByteString... nodes) {
        return OnnxBytes.message(out -> {
            out.writeString(1, name);
            out.writeString(4, "a");
            out.writeString(5, "b");
            for (ByteString node : nodes) {
                out.writeBytes(7, node);
            }
            out.writeString(10, domain);
        });
    }

    private static byte[] model(List<ByteString> functions, ByteString... nodes) {
        return OnnxBytes.message(out -> {
                    ByteString graph = OnnxBytes.message(inner -> {
                        for (ByteString node : nodes) {
                            inner.writeBytes(1, node);
                        }
                    });
                    out.writeBytes(7, graph);
                    for (ByteString function : functions) {
                        out.writeBytes(25, function);
                    }
                })
                .toByteArray();
    }

    /** Functions of which each calls the next so many times. */
    private static byte[] functions(int count, int calls) {
        List<ByteString> functions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ByteString next = i < count - 1 ? node("l", "f" + (i + 1)) : node("", "Identity");
            ByteString[] body = new ByteString[calls];
            java.util.Arrays.fill(body, next);
            functions.add(function("l", "f" + i, body));
        }
        return model(functions, node("l", "f0"));
    }

    @Test
    void functionsAreFollowedToADepth() {
        assertThatCode(() -> GraphDepth.check(functions(90, 1))).doesNotThrowAnyException();
        assertThatThrownBy(() -> GraphDepth.check(functions(600, 1))).hasMessageContaining("more than 100 deep");
        assertThatThrownBy(() -> GraphDepth.check(functions(20_000, 1))).hasMessageContaining("more than 100 deep");
    }

    @Test
    void functionsThatCallThemselvesAreRefused() {
        byte[] model =
                model(List.of(function("l", "f", node("l", "g")), function("l", "g", node("l", "f"))), node("l", "f"));
        assertThatThrownBy(() -> GraphDepth.check(model)).hasMessageContaining("within themselves");
    }

    @Test
    void functionsThatComeToTooManyNodesAreRefused() {
        assertThatCode(() -> GraphDepth.check(functions(10, 2))).doesNotThrowAnyException();
        assertThatThrownBy(() -> GraphDepth.check(functions(40, 2))).hasMessageContaining("more than 200000 nodes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
    void functionsDoNotTakeNamesOfOnnx(String domain) {
        byte[] model = model(List.of(function(domain, "Shape", node("", "Identity"))), node("", "Shape"));
        assertThatThrownBy(() -> GraphDepth.check(model)).hasMessageContaining("the name of an operator of ONNX");
    }

    private static ByteString wholes(String name, long... values) {
        return OnnxBytes.message(out -> {
            out.writeString(1, name);
            for (long value : values) {
                out.writeInt64(8, value);
            }
            out.writeInt32(20, 7);
        });
    }

    private static ByteString modes(List<String> modes) {
        return OnnxBytes.message(out -> {
            out.writeString(1, "nodes_modes");
            for (String mode : modes) {
                out.writeBytes(9, ByteString.copyFromUtf8(mode));
            }
            out.writeInt32(20, 8);
        });
    }

    /** A tree whose every branch has one leaf; the last branch goes back to the first of it if it is a circle. */
    private static ByteString chain(String type, int depth, boolean circle) {
        int count = 2 * depth + 1;
        long[] ids = new long[count];
        long[] left = new long[count];
        long[] right = new long[count];
        List<String> modes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean leaf = i % 2 == 1 || i == count - 1;
            ids[i] = i;
            left[i] = leaf ? 0 : i + 1;
            right[i] = leaf ? 0 : circle && i == count - 3 ? 0 : i + 2;
            modes.add(leaf ? "LEAF" : "BRANCH_LEQ");
        }
        return node(
                "ai.onnx.ml",
                type,
                wholes("nodes_treeids", new long[count]),
                wholes("nodes_nodeids", ids),
                wholes("nodes_truenodeids", left),
                wholes("nodes_falsenodeids", right),
                modes(modes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TreeEnsembleRegressor", "TreeEnsembleClassifier"})
    void treesAreFollowedToADepth(String type) {
        assertThatCode(() -> GraphDepth.check(model(List.of(), chain(type, 1_000, false))))
                .doesNotThrowAnyException();
        for (int depth : new int[] {1_001, 5_000, 200_000}) {
            assertThatThrownBy(() -> GraphDepth.check(model(List.of(), chain(type, depth, false))))
                    .hasMessageContaining("more than 1000 branches deep");
        }
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(), chain(type, 3, true))))
                .hasMessageContaining("or within itself");
    }

    @Test
    void treesOfTheUnifiedOperatorAreFollowedToADepth() {
        for (int depth : new int[] {1_000, 1_500}) {
            long[] next = new long[depth];
            long[] leaves = new long[depth];
            for (int i = 0; i < depth; i++) {
                next[i] = i + 1;
                leaves[i] = i == depth - 1 ? 1 : 0;
            }
            byte[] model = model(
                    List.of(),
                    node(
                            "ai.onnx.ml",
                            "TreeEnsemble",
                            wholes("nodes_truenodeids", new long[depth]),
                            wholes(
                                    "nodes_trueleafs",
                                    java.util.stream.LongStream.generate(() -> 1)
                                            .limit(depth)
                                            .toArray()),
                            wholes("nodes_falsenodeids", next),
                            wholes("nodes_falseleafs", leaves)));
            if (depth <= GraphDepth.DEEPEST_TREE) {
                assertThatCode(() -> GraphDepth.check(model)).doesNotThrowAnyException();
            } else {
                assertThatThrownBy(() -> GraphDepth.check(model)).hasMessageContaining("branches deep");
            }
        }
    }

    @Test
    void treesWithinFunctionsAndBranchesAreFoundToo() {
        ByteString tree = chain("TreeEnsembleRegressor", 5_000, false);
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(function("l", "f", tree)))))
                .hasMessageContaining("branches deep");
        ByteString branch = OnnxBytes.message(out -> {
            out.writeString(1, "then_branch");
            out.writeBytes(6, OnnxBytes.message(graph -> graph.writeBytes(1, tree)));
        });
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(), node("", "If", branch))))
                .hasMessageContaining("branches deep");
        ByteString given = OnnxBytes.message(out -> {
            out.writeString(1, "nodes_truenodeids");
            out.writeString(21, "given");
        });
        assertThatThrownBy(() -> GraphDepth.check(
                        model(List.of(function("l", "f", node("ai.onnx.ml", "TreeEnsembleRegressor", given))))))
                .hasMessageContaining("given its trees by whoever calls");
    }

    @Test
    void anAttributeIsTakenOnce() {
        byte[] model = model(
                List.of(),
                node("ai.onnx.ml", "TreeEnsemble", wholes("nodes_trueleafs", 1), wholes("nodes_trueleafs", 0)));
        assertThatThrownBy(() -> GraphDepth.check(model)).hasMessageContaining("'nodes_trueleafs' twice");
    }

    @Test
    void ownReadersFollowNothingDeepEither() {
        byte[] chain = model(List.of(), chain("TreeEnsembleRegressor", 50_000, false));
        assertThatThrownBy(() -> OnnxTrees.parse(chain)).isInstanceOf(RuntimeException.class);
        assertThatCode(() -> OnnxGraph.parse(functions(20_000, 1))).doesNotThrowAnyException();
        OnnxBytes nested = new OnnxBytes().node("Identity", List.of("a"), List.of("b"), Map.of());
        for (int i = 0; i < 500; i++) {
            nested = new OnnxBytes().node("If", List.of("a"), List.of("b"), Map.of("then_branch", nested));
        }
        byte[] deep = nested.model();
        assertThatThrownBy(() -> OnnxGraph.parse(deep)).hasMessageContaining("nested more than");
    }

    /** What a function is given becomes a part of its body only once ONNX Runtime has put it there. */
    @Test
    void functionsAreGivenNoGraphs() {
        ByteString graph = OnnxBytes.message(out -> out.writeBytes(1, node("", "Identity")));
        ByteString branch = OnnxBytes.message(out -> {
            out.writeString(1, "then_branch");
            out.writeBytes(6, graph);
            out.writeInt32(20, 5);
        });
        ByteString reference = OnnxBytes.message(out -> {
            out.writeString(1, "then_branch");
            out.writeInt32(20, 5);
            out.writeString(21, "given");
        });
        ByteString plain = function("l", "f", node("", "Identity"));
        ByteString defaulted = plain.concat(OnnxBytes.message(out -> out.writeBytes(11, branch)));
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(defaulted))))
                .hasMessageContaining("'l:f' has a graph as its attribute 'then_branch'");
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(function("l", "f", node("", "If", reference))))))
                .hasMessageContaining("is given a graph by whoever calls its function");
        assertThatThrownBy(() -> GraphDepth.check(model(List.of(plain), node("l", "f", branch))))
                .hasMessageContaining("gives a graph to a function");
        assertThatCode(() ->
                        GraphDepth.check(model(List.of(function("l", "f", node("", "If", branch))), node("l", "f"))))
                .doesNotThrowAnyException();
    }
}
