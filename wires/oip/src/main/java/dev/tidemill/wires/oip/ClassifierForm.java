package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The answer of a classifier that knows the names of its classes, as MLflow's own libraries give it: the class, a boolean where the two
 * booleans are the classes, and beside it the probabilities if they are wanted.
 */
final class ClassifierForm {
    private static final String PROBABILITIES = ModelParameters.PROBABILITIES.name();

    private ClassifierForm() {}

    /** The answer in this form; as it is where it is not the scores of named classes. */
    static InferenceAnswer of(InferenceAnswer answer, boolean probabilities) {
        List<String> classes = answer.classes();
        if (!answer.scores() || classes.isEmpty() || answer.outputs().size() != 1) {
            return answer;
        }
        Tensor scores = answer.outputs().getFirst();
        int width = scores.width();
        boolean binary = width == 1 && classes.size() == 2;
        if (scores.datatype() == Datatype.BYTES || (!binary && width != classes.size())) {
            return answer;
        }
        int rows = scores.rows();
        int count = classes.size();
        int[] chosen = new int[rows];
        double[] shares = new double[rows * count];
        for (int row = 0; row < rows; row++) {
            int best = 0;
            for (int i = 0; i < count; i++) {
                double share =
                        binary ? i == 0 ? 1 - scores.number(row) : scores.number(row) : scores.number(row * width + i);
                shares[row * count + i] = share;
                best = share > shares[row * count + best] ? i : best;
            }
            chosen[row] = best;
        }
        Tensor prediction = prediction(scores.name(), answer, chosen);
        List<Tensor> outputs = probabilities
                ? List.of(
                        prediction, Tensor.numbers(PROBABILITIES, scores.datatype(), new long[] {rows, count}, shares))
                : List.of(prediction);
        return new InferenceAnswer(
                answer.version(), answer.route(), outputs, classes, answer.classType(), false, answer.warnings());
    }

    private static Tensor prediction(String name, InferenceAnswer answer, int[] chosen) {
        long[] shape = {chosen.length};
        if (answer.classType() == ClassType.BOOLEAN) {
            return Tensor.wholes(
                    name,
                    Datatype.BOOL,
                    shape,
                    Arrays.stream(chosen).asLongStream().toArray());
        }
        byte[][] names = new byte[chosen.length][];
        for (int row = 0; row < chosen.length; row++) {
            names[row] = answer.classes().get(chosen[row]).getBytes(StandardCharsets.UTF_8);
        }
        return Tensor.texts(name, shape, names);
    }
}
