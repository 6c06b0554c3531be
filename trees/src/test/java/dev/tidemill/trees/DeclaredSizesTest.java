package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a file says of its sizes costs no more than the file does. */
class DeclaredSizesTest {
    /** What reading may allocate: so much for each byte of a file, and so much for any file at all. */
    private static final long FOR_EACH_BYTE = 400;

    private static final long FOR_ANY = 64L << 20;

    private static final String TEXT = """
            tree
            version=v4
            num_class=1
            num_tree_per_iteration=1
            max_feature_idx=1
            objective=regression
            feature_names=a b
            feature_infos=[0:1] 0:1:2

            Tree=0
            num_leaves=3
            num_cat=1
            split_feature=0 1
            threshold=0.5 0
            decision_type=2 1
            left_child=-1 -2
            right_child=1 -3
            leaf_value=1 2 3
            cat_boundaries=0 1
            cat_threshold=5

            end of trees
            """;
    private static final String JSON = """
            {"name": "tree", "num_class": 1, "num_tree_per_iteration": 1, "max_feature_idx": 1, "objective": "regression",
             "feature_names": ["a", "b"], "tree_info": [{"tree_index": 0, "tree_structure": {
              "split_feature": 0, "threshold": 0.5, "decision_type": "<=", "default_left": true, "missing_type": "None",
              "left_child": {"leaf_value": 1},
              "right_child": {"split_feature": 1, "threshold": "0||2", "decision_type": "==",
               "left_child": {"leaf_value": 2}, "right_child": {"leaf_value": 3}}}}]}
            """;
    private static final String XGBOOST = """
            {"learner": {"objective": {"name": "reg:squarederror"},
             "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
             "gradient_booster": {"name": "gbtree", "model": {"tree_info": [0], "trees": [
              {"left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
               "split_conditions": [2.0, 10.0, 20.0], "default_left": [1, 0, 0], "split_type": [1, 0, 0],
               "categories": [0, 2], "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2]}]}}}}
            """;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static long allocated(Runnable work) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        work.run();
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private static void isRefused(Function<byte[], ?> reader, byte[] content) {
        long bytes = allocated(
                () -> assertThatThrownBy(() -> reader.apply(content)).isInstanceOf(UnsupportedModelException.class));
        assertThat(bytes).isLessThan(FOR_ANY + FOR_EACH_BYTE * content.length);
    }

    private static void isSmall(Function<byte[], ?> reader, byte[] content) {
        long bytes = allocated(() -> {
            try {
                assertThat(reader.apply(content)).isNotNull();
            } catch (UnsupportedModelException expected) {
                assertThat(expected).hasMessageContaining(" ");
            }
        });
        assertThat(bytes).isLessThan(FOR_ANY + FOR_EACH_BYTE * content.length);
    }

    private static String changed(String text, String from, String to) {
        assertThat(text).contains(from);
        return text.replace(from, to);
    }

    @Test
    void wholeModelsAreRead() {
        assertThat(LightgbmText.parse(bytes(TEXT)).predict(new double[] {1, 2})).containsExactly(2);
        assertThat(LightgbmJson.parse(bytes(JSON)).predict(new double[] {1, 2})).containsExactly(2);
        assertThat(XgboostModel.parse(bytes(XGBOOST)).predict(new double[] {2, 0}))
                .containsExactly(20.5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2000000000", "2147483647", "100000", "-5", "1e9"})
    void lightgbmInputsThatTheFileDoesNotNameAreRefused(String number) {
        isRefused(LightgbmText::parse, bytes(changed(TEXT, "max_feature_idx=1", "max_feature_idx=" + number)));
        isRefused(
                LightgbmJson::parse, bytes(changed(JSON, "\"max_feature_idx\": 1", "\"max_feature_idx\": " + number)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"2000000000", "2147483647", "100000", "-5", "0"})
    void outputsThatNoTreeAddsToAreRefused(String number) {
        isRefused(LightgbmText::parse, bytes(changed(TEXT, "tree_per_iteration=1", "tree_per_iteration=" + number)));
        isRefused(LightgbmJson::parse, bytes(changed(JSON, "_per_iteration\": 1", "_per_iteration\": " + number)));
        if (number.length() > 2) {
            isRefused(
                    XgboostModel::parse,
                    bytes(changed(XGBOOST, "\"num_target\": \"1\"", "\"num_target\": \"" + number + '"')));
            isRefused(
                    XgboostModel::parse,
                    bytes(changed(XGBOOST, "\"num_class\": \"0\"", "\"num_class\": \"" + number + '"')));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"2000000000", "2147483647", "-1", "0"})
    void xgboostInputsBeyondMeasureAreRefused(String number) {
        isRefused(
                XgboostModel::parse,
                bytes(changed(XGBOOST, "\"num_feature\": \"2\"", "\"num_feature\": \"" + number + '"')));
    }

    @Test
    void manyInputsOfXgboostCostNothing() {
        byte[] model = bytes(changed(XGBOOST, "\"num_feature\": \"2\"", "\"num_feature\": \"1000000\""));
        assertThat(allocated(() -> XgboostModel.parse(model))).isLessThan(1 << 20);
    }

    @Test
    void setsOfCategoriesLieWithinTheFile() {
        for (String boundaries : new String[] {"0 2000000000", "-5 1", "1 0", "0 2", "0"}) {
            isRefused(LightgbmText::parse, bytes(changed(TEXT, "boundaries=0 1", "boundaries=" + boundaries)));
        }
        isRefused(LightgbmText::parse, bytes(changed(TEXT, "threshold=0.5 0", "threshold=0.5 7")));
        for (String size : new String[] {"2000000000", "3", "-1"}) {
            isRefused(
                    XgboostModel::parse,
                    bytes(changed(XGBOOST, "categories_sizes\": [2]", "categories_sizes\": [" + size + ']')));
        }
        isRefused(XgboostModel::parse, bytes(changed(XGBOOST, "categories_nodes\": [0]", "categories_nodes\": [9]")));
        isRefused(XgboostModel::parse, bytes(changed(XGBOOST, "\"categories\": [0, 2]", "\"categories\": [0, -2]")));
        isRefused(
                XgboostModel::parse,
                bytes(changed(XGBOOST, "\"categories\": [0, 2]", "\"categories\": [0, 16777216]")));
    }

    @Test
    void highCategoriesInManyNodesAreRefused() {
        String node = "{\"split_feature\": 1, \"threshold\": \"16000000\", \"decision_type\": \"==\","
                + "\"left_child\": {\"leaf_value\": 2}, \"right_child\": ";
        String deep = node.repeat(300) + "{\"leaf_value\": 3}" + "}".repeat(300);
        isRefused(LightgbmJson::parse, bytes(changed(JSON, "{\"leaf_value\": 3}", deep)));
    }

    @Test
    void itemsThatCostNoBytesAreCounted() {
        int nulls = 90_000;
        byte[] inner = ByteBuffer.allocate(9).put(bytes("[$Z#l")).putInt(nulls).array();
        int count = nulls / inner.length - 3;
        ByteBuffer file = ByteBuffer.allocate(nulls);
        file.put(bytes("{i")).put((byte) 1).put(bytes("a[#l")).putInt(count);
        for (int i = 0; i < count; i++) {
            file.put(inner);
        }
        while (file.remaining() > 1) {
            file.put((byte) 'N');
        }
        isRefused(XgboostModel::parse, file.put((byte) '}').array());
    }

    @Test
    void lengthsThatAreContainersAreRefused() {
        isRefused(XgboostModel::parse, bytes("{" + "[#".repeat(200_000)));
        isRefused(XgboostModel::parse, bytes("{#" + "[#".repeat(200_000)));
        isRefused(XgboostModel::parse, bytes("{i\1a" + "[#".repeat(200_000)));
    }

    /** Every number of a file in turn is replaced by others, of all sizes. */
    @Test
    void changedNumbersNeverCostMoreThanTheFile() {
        var chance = new Random(11);
        for (int round = 0; round < 3_000; round++) {
            isSmall(LightgbmText::parse, bytes(mutated(TEXT, chance)));
            isSmall(LightgbmJson::parse, bytes(mutated(JSON, chance)));
            isSmall(XgboostModel::parse, bytes(mutated(XGBOOST, chance)));
        }
    }

    private static String mutated(String text, Random chance) {
        Pattern number = Pattern.compile("-?\\d+");
        int all = (int) number.matcher(text).results().count();
        int changes = 1 + chance.nextInt(3);
        String now = text;
        for (int change = 0; change < changes; change++) {
            MatchResult one = number.matcher(now).results().toList().get(chance.nextInt(all));
            long value = (chance.nextBoolean() ? 1 : -1) * (chance.nextLong() >>> 1 + chance.nextInt(62));
            now = now.substring(0, one.start()) + value + now.substring(one.end());
        }
        return now;
    }

    @Test
    void changedBytesOfBinaryModelsNeverCostMoreThanTheFile() throws IOException {
        var chance = new Random(12);
        for (String name : new String[] {"classes.onnx", "binary.onnx", "value.onnx", "unified.onnx"}) {
            try (InputStream in = Objects.requireNonNull(DeclaredSizesTest.class.getResourceAsStream(name), name)) {
                byte[] whole = in.readAllBytes();
                for (int round = 0; round < 500; round++) {
                    isSmall(OnnxTrees::parse, damaged(whole, chance));
                }
            }
        }
        ByteBuffer binary = ByteBuffer.allocate(200);
        binary.put(bytes("{i")).put((byte) 1).put(bytes("a[$l#i")).put((byte) 3);
        binary.putInt(1)
                .putInt(2)
                .putInt(3)
                .put(bytes("i"))
                .put((byte) 1)
                .put(bytes("b[[TF]{}{#i"))
                .put((byte) 0);
        byte[] whole = Arrays.copyOf(
                binary.put(bytes("]i"))
                        .put((byte) 1)
                        .put(bytes("cSi"))
                        .put((byte) 1)
                        .put(bytes("x}"))
                        .array(),
                binary.position());
        for (int round = 0; round < 20_000; round++) {
            isSmall(XgboostModel::parse, damaged(whole, chance));
        }
    }

    private static byte[] damaged(byte[] whole, Random chance) {
        byte[] damaged = whole.clone();
        for (int i = 0; i <= chance.nextInt(4); i++) {
            damaged[chance.nextInt(damaged.length)] = chance.nextBoolean()
                    ? (byte) chance.nextInt()
                    : (byte) "[{#$ZTFilLUN]}S".charAt(chance.nextInt(15));
        }
        return damaged;
    }
}
