package dev.tidemill.inference.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.trees.XgboostModel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Classifiers of XGBoost 3.2's scikit-learn interface, against what they answer themselves once {@code load_model} has read them. */
class ClassifierAnswersTest {
    private static byte[] resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(ClassifierAnswersTest.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "binary",
                "classes",
                "softmax",
                "softmax-2",
                "softprob-2",
                "hinge",
                "logitraw",
                "poisson",
                "squared",
                "logistic",
                "labels-2",
                "labels-3",
                "labels-raw"
            })
    void aClassifierAnswersAsItsLibrary(String name) throws IOException {
        JsonNode expected = new ObjectMapper().readTree(resource("classifiers.json"));
        BoostedTreesModel model = new BoostedTreesModel(
                XgboostModel.parse(resource("classifier-" + name + ".ubj")),
                Optional.empty(),
                "trees",
                Datatype.FP32,
                true,
                1);
        List<Tensor> given = new ArrayList<>();
        for (int column = 0; column < 2; column++) {
            List<Object> values = new ArrayList<>();
            for (JsonNode row : expected.path("rows")) {
                values.add(row.path(column).asDouble());
            }
            given.add(ColumnValues.column(model.inputs().get(column).name(), values));
        }
        List<Tensor> answer = model.predict(InputBinding.fit(model.inputs(), given));
        assertSame(
                answer.getFirst(),
                model.outputs().getFirst(),
                expected.path(name).path("predict"));
        boolean shares =
                !List.of("logitraw", "poisson", "squared", "labels-raw").contains(name);
        assertThat(model.parameters()).isEqualTo(shares ? List.of(ModelParameters.PROBABILITIES) : List.of());
        assertThat(answer).hasSize(shares ? 2 : 1).hasSameSizeAs(model.outputs());
        if (shares) {
            assertSame(
                    answer.getLast(),
                    model.outputs().getLast(),
                    expected.path(name).path("proba"));
        }
        boolean labels = name.startsWith("labels") || name.equals("softprob-2");
        assertThat(model.outputs().getFirst().datatype()).isEqualTo(labels ? Datatype.FP64 : Datatype.INT64);
        assertThat(model.classes())
                .isEqualTo(
                        labels
                                ? List.of()
                                : name.matches("classes|softmax") ? List.of("0", "1", "2") : List.of("0", "1"));
    }

    private static void assertSame(Tensor ours, TensorSpec spec, JsonNode theirs) {
        int width = Math.max(1, theirs.path(0).size());
        assertThat(ours.name()).isEqualTo(spec.name());
        assertThat(ours.datatype()).isEqualTo(spec.datatype());
        assertThat(spec.shape()).isEqualTo(width == 1 ? List.of(-1L) : List.of(-1L, (long) width));
        assertThat(ours.shape()).isEqualTo(width == 1 ? new long[] {theirs.size()} : new long[] {theirs.size(), width});
        for (int i = 0; i < theirs.size() * width; i++) {
            JsonNode row = theirs.path(i / width);
            double wanted = row.isArray() ? row.path(i % width).asDouble() : row.asDouble();
            assertThat(ours.number(i)).isCloseTo(wanted, within(2e-6));
        }
    }
}
