package dev.tidemill.inference.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.BoostedTrees;
import dev.tidemill.trees.LightgbmJson;
import dev.tidemill.trees.LightgbmText;
import dev.tidemill.trees.UnsupportedModelException;
import dev.tidemill.trees.XgboostModel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that XGBoost 3.2 and LightGBM 4.7 trained on a data frame, against what they predict themselves for values of its column {@code k},
 * which is one of pandas' categories; of {@code plain} LightGBM was told that the numbers are categories.
 */
class CategoryColumnsTest {
    private static byte[] resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(CategoryColumnsTest.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        }
    }

    private static JsonNode json(String name) throws IOException {
        return new ObjectMapper().readTree(resource(name));
    }

    private static BoostedTrees trees(String name) throws IOException {
        return name.endsWith(".txt")
                ? LightgbmText.parse(resource(name))
                : name.endsWith(".json") ? LightgbmJson.parse(resource(name)) : XgboostModel.parse(resource(name));
    }

    private static BoostedTreesModel model(String name, Optional<Signature> signature) throws IOException {
        Datatype numbers = name.endsWith(".ubj") ? Datatype.FP32 : Datatype.FP64;
        return new BoostedTreesModel(trees(name), signature, "trees", numbers, false, 1);
    }

    private static Optional<Signature> signature(String... types) {
        List<Signature.Field> fields = new ArrayList<>();
        for (int i = 0; i < types.length; i++) {
            fields.add(new Signature.Field(List.of("a", "b", "k").get(i), types[i]));
        }
        return Optional.of(new Signature(fields, List.of()));
    }

    private static double answer(BoostedTreesModel model, @Nullable Object value) {
        List<Tensor> given = new ArrayList<>();
        for (TensorSpec spec : model.inputs()) {
            Object one =
                    switch (spec.name()) {
                        case "a" -> 0.25;
                        case "b" -> -0.5;
                        case "j" -> "x";
                        default -> value;
                    };
            given.add(ColumnValues.column(spec.name(), Collections.singletonList(one)));
        }
        return model.predict(InputBinding.fit(model.inputs(), given)).getFirst().number(0);
    }

    private static @Nullable Object value(JsonNode written) {
        return written.isNull()
                ? null
                : written.isBoolean()
                        ? (Object) written.asBoolean()
                        : written.isTextual()
                                ? written.asText()
                                : written.isIntegralNumber() ? (Object) written.asLong() : (Object) written.asDouble();
    }

    private static void assertAnswers(BoostedTreesModel model, JsonNode expected) {
        for (int i = 0; i < expected.path("values").size(); i++) {
            Object value = value(expected.path("values").path(i));
            assertThat(answer(model, value))
                    .as("for %s", value)
                    .isCloseTo(
                            expected.path("expected").path(i).asDouble(),
                            within(model.outputs().getFirst().datatype() == Datatype.FP32 ? 2e-6 : 1e-12));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lightgbm-integers.txt",
                "lightgbm-integers.json",
                "lightgbm-floats.txt",
                "lightgbm-truths.txt",
                "lightgbm-texts.txt",
                "lightgbm-constant.txt",
                "xgboost-integers.ubj",
                "xgboost-bytes.ubj",
                "xgboost-negative.ubj"
            })
    void aValueStandsForTheCodeOfItsCategory(String name) throws IOException {
        assertAnswers(
                model(name, Optional.empty()), json("categories.json").path(name.substring(0, name.indexOf('.'))));
    }

    @Test
    void aDeclaredColumnOfNumbersIsOneOfCategoriesToo() throws IOException {
        JsonNode expected = json("categories.json").path("lightgbm-integers");
        var model = model("lightgbm-integers.txt", signature("double", "double", "long"));
        for (int i = 0; i < 3; i++) {
            assertThat(answer(model, expected.path("values").path(i).asLong()))
                    .isCloseTo(expected.path("expected").path(i).asDouble(), within(1e-12));
        }
        assertAnswers(
                model("lightgbm-truths.txt", signature("double", "double", "boolean")),
                json("categories.json").path("lightgbm-truths"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"lightgbm-integers.txt", "lightgbm-truths.txt", "lightgbm-plain.txt", "xgboost-integers.ubj"})
    void aColumnOfTextsIsNotServedWhereTheModelHasNoneForIt(String name) {
        assertThatThrownBy(() -> model(name, signature("double", "double", "string")))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("'k'")
                .hasMessageContaining("string");
    }

    @Test
    void aColumnOfNumbersIsNotServedWhereTheModelHasTextsForIt() {
        assertThatThrownBy(() -> model("lightgbm-texts.txt", signature("double", "double", "long")))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("'k'")
                .hasMessageContaining("long");
    }

    @Test
    void categoriesOfAnUnknownColumnAreNotServed() {
        assertThatThrownBy(() -> model("lightgbm-ordered.txt", Optional.empty()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("categories");
    }

    /** LightGBM cuts what is behind the point before it asks whether a number is below 0. */
    @Test
    void aFractionIsCutBeforeItIsACategory() throws IOException {
        assertAnswers(
                model("lightgbm-plain.txt", Optional.empty()),
                json("categories.json").path("lightgbm-plain"));
    }
}
