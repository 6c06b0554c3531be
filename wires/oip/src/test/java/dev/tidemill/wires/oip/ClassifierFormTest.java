package dev.tidemill.wires.oip;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.Route;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClassifierFormTest {
    private static InferenceAnswer answer(List<String> classes, long[] shape, double... scores) {
        return answer(classes, ClassType.STRING, shape, scores);
    }

    private static InferenceAnswer answer(List<String> classes, ClassType type, long[] shape, double... scores) {
        return new InferenceAnswer(
                new ServedVersion("default", "m", 1, new Digest("0".repeat(64)), false),
                Route.CHAMPION,
                List.of(Tensor.numbers("prediction", Datatype.FP64, shape, scores)),
                classes,
                type,
                !classes.isEmpty(),
                List.of());
    }

    @Test
    void theClassAloneOrWithItsProbabilities() {
        InferenceAnswer three = answer(List.of("a", "b", "c"), new long[] {2, 3}, 0.2, 0.5, 0.3, 0.4, 0.3, 0.3);
        Tensor chosen = ClassifierForm.of(three, false).outputs().getFirst();
        assertThat(List.of(chosen.text(0), chosen.text(1))).containsExactly("b", "a");
        List<Tensor> both = ClassifierForm.of(three, true).outputs();
        assertThat(both).extracting(Tensor::name).containsExactly("prediction", "probabilities");
        assertThat(both.getLast().number(1)).isEqualTo(0.5);
    }

    @Test
    void oneScoreOfTwoClassesIsThatOfTheSecond() {
        InferenceAnswer two = answer(List.of("no", "yes"), new long[] {2}, 0.25, 0.75);
        List<Tensor> both = ClassifierForm.of(two, true).outputs();
        assertThat(both.getFirst().text(0)).isEqualTo("no");
        assertThat(both.getFirst().text(1)).isEqualTo("yes");
        assertThat(both.getLast().shape()).containsExactly(2, 2);
        assertThat(both.getLast().number(0)).isEqualTo(0.75);
    }

    /** As scikit-learn answers a classifier of booleans, and MLflow writes it. */
    @Test
    void theClassesOfABooleanTargetAreBooleans() {
        Tensor chosen = ClassifierForm.of(
                        answer(List.of("false", "true"), ClassType.BOOLEAN, new long[] {2}, 0.25, 0.75), true)
                .outputs()
                .getFirst();
        assertThat(chosen.datatype()).isEqualTo(Datatype.BOOL);
        assertThat(List.of(chosen.whole(0), chosen.whole(1))).containsExactly(0L, 1L);
    }

    @Test
    void stringsThatReadAsBooleansStayStrings() {
        Tensor chosen = ClassifierForm.of(answer(List.of("false", "true"), new long[] {2}, 0.25, 0.75), true)
                .outputs()
                .getFirst();
        assertThat(chosen.datatype()).isEqualTo(Datatype.BYTES);
        assertThat(List.of(chosen.text(0), chosen.text(1))).containsExactly("false", "true");
    }

    @Test
    void whatIsNoClassifierStaysAsItIs() {
        InferenceAnswer regression = answer(List.of(), new long[] {1}, 41);
        assertThat(ClassifierForm.of(regression, true)).isSameAs(regression);
    }
}
