package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three small models that scikit-learn's converter made and one of the newest operation, with what ONNX Runtime says of eight rows. */
class OnnxTreesTest {
    private static byte[] resource(String name) {
        try (InputStream in = Objects.requireNonNull(OnnxTreesTest.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"classes", "binary", "value", "unified"})
    void saysWhatOnnxRuntimeSays(String name) throws IOException {
        OnnxTrees trees = OnnxTrees.parse(resource(name + ".onnx"));
        JsonNode expected = new ObjectMapper().readTree(resource("onnx-expected.json"));
        assertThat(trees.inputs()).containsExactly("X");
        for (int row = 0; row < expected.path("rows").size(); row++) {
            double[] given = numbers(expected.path("rows").path(row));
            double[] scores = trees.scores(given);
            double[] wanted = numbers(expected.path(name).path("scores").path(row));
            assertThat(scores).hasSameSizeAs(wanted);
            for (int i = 0; i < scores.length; i++) {
                assertThat(scores[i]).isCloseTo(wanted[i], within(1e-6));
            }
            assertThat(trees.scores(new double[][] {given, given})[1]).containsExactly(scores);
            if (!trees.labels().isEmpty()) {
                long label = expected.path(name).path("labels").path(row).asLong();
                assertThat(trees.labels().get(trees.link().label(scores))).isEqualTo(label);
            }
        }
    }

    private static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = list.path(i).asDouble();
        }
        return numbers;
    }

    @Test
    void damagedModelsAreRefusedAndNeverFailOtherwise() {
        var chance = new Random(7);
        for (String name : new String[] {"classes.onnx", "binary.onnx", "value.onnx", "unified.onnx"}) {
            byte[] whole = resource(name);
            for (int round = 0; round < 1_500; round++) {
                byte[] damaged = round % 3 == 0 ? Arrays.copyOf(whole, chance.nextInt(whole.length)) : whole.clone();
                for (int i = 0; i < round % 3; i++) {
                    damaged[chance.nextInt(damaged.length)] = (byte) chance.nextInt();
                }
                try {
                    OnnxTrees trees = OnnxTrees.parse(damaged);
                    trees.scores(new double[trees.ensemble().features()]);
                } catch (UnsupportedModelException expected) {
                    assertThat(expected).hasMessageContaining(" ");
                }
            }
        }
    }

    @Test
    void whatIsNoModelIsRefused() {
        assertThatThrownBy(() -> OnnxTrees.parse(new byte[0])).isInstanceOf(UnsupportedModelException.class);
        assertThatThrownBy(() -> OnnxTrees.parse("{}".getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                .isInstanceOf(UnsupportedModelException.class);
    }
}
