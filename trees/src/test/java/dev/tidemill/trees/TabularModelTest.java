package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class TabularModelTest {
    /** Two stumps: x below 2 (missing goes left), then colour with code below 1 (missing goes right). */
    private static final String TREES = """
            {"learner": {"objective": {"name": "%s"},
             "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2"},
             "gradient_booster": {"name": "gbtree", "model": {"tree_info": [0, 0], "trees": [
              {"left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
               "split_conditions": [2.0, 10.0, 20.0], "default_left": [1, 0, 0], "split_type": [0, 0, 0]},
              {"left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [1, 0, 0],
               "split_conditions": [1.0, 100.0, 200.0], "default_left": [0, 0, 0], "split_type": [0, 0, 0]}]}}}}
            """;

    private static TabularModel model(String objective) {
        var columns = List.of(InputColumn.numeric("x"), new InputColumn("colour", List.of("blue", "red")));
        return TabularModel.parse(
                TabularModel.encoding(columns, List.of(), false),
                TREES.formatted(objective).getBytes(StandardCharsets.UTF_8));
    }

    private static double predict(
            TabularModel model,
            @org.jspecify.annotations.Nullable Object x,
            @org.jspecify.annotations.Nullable Object colour) {
        return model.predict(model.encode(Arrays.asList(x, colour)))[0];
    }

    @Test
    void sumsTheLeavesThatARowFallsInto() {
        TabularModel model = model("reg:squarederror");
        assertThat(predict(model, 1.9, "blue")).isEqualTo(110.5);
        assertThat(predict(model, 2.0, "blue")).isEqualTo(120.5);
        assertThat(predict(model, 3, "red")).isEqualTo(220.5);
    }

    @Test
    void missingAndUnknownValuesGoTheWayLearnedForThem() {
        TabularModel model = model("reg:squarederror");
        assertThat(predict(model, null, "blue")).isEqualTo(110.5);
        assertThat(predict(model, Double.NaN, null)).isEqualTo(210.5);
        assertThat(predict(model, "no number", "green")).isEqualTo(210.5);
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertThatThrownBy(() -> model("rank:nothing")).isInstanceOf(UnsupportedModelException.class);
        assertThatThrownBy(() -> XgboostModel.parse("{}".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(UnsupportedModelException.class);
        assertThatThrownBy(() -> XgboostModel.parse("no".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(UnsupportedModelException.class);
    }

    @Test
    void equalEncodingsHaveEqualBytes() {
        var columns = List.of(InputColumn.numeric("x"), new InputColumn("colour", List.of("blue", "red")));
        assertThat(TabularModel.encoding(columns, List.of(), false))
                .isEqualTo(TabularModel.encoding(columns, List.of(), false));
    }

    @Test
    void classesAreBooleansOrStringsOfTheSameLetters() {
        var columns = List.of(InputColumn.numeric("x"), new InputColumn("colour", List.of("blue", "red")));
        byte[] trees = TREES.formatted("binary:logistic").getBytes(StandardCharsets.UTF_8);
        var names = List.of("false", "true");
        assertThat(TabularModel.parse(TabularModel.encoding(columns, names, true), trees)
                        .hasBooleanClasses())
                .isTrue();
        assertThat(TabularModel.parse(TabularModel.encoding(columns, names, false), trees)
                        .hasBooleanClasses())
                .isFalse();
        String untold = new String(TabularModel.encoding(columns, names, false), StandardCharsets.UTF_8)
                .replaceAll(",\\s*\"class_type\" : \"string\"", "");
        assertThat(untold).doesNotContain("class_type");
        assertThat(TabularModel.parse(untold.getBytes(StandardCharsets.UTF_8), trees)
                        .hasBooleanClasses())
                .as("of an encoding that does not tell it")
                .isTrue();
    }
}
