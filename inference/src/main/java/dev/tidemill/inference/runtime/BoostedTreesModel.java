package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.ParameterSpec;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.BoostedTrees;
import dev.tidemill.trees.Link;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Trees of another library with the inputs and the answer that MLflow's {@code pyfunc} has for them: of a classifier the class,
 * and beside it the probabilities.
 */
final class BoostedTreesModel implements LoadedModel {
    private static final String PROBABILITIES = ModelParameters.PROBABILITIES.name();

    private final BoostedTrees trees;
    private final String platform;
    private final Datatype numbers;
    private final boolean labels;
    private final long bytes;
    private final FeatureTable table;
    private final List<TensorSpec> outputs;

    /**
     * @param numbers datatype of inputs that nothing else is said of, and of the answer
     * @param labels whether the answer is the class rather than its probability
     */
    BoostedTreesModel(
            BoostedTrees trees,
            Optional<Signature> signature,
            String platform,
            Datatype numbers,
            boolean labels,
            int length) {
        this.trees = trees;
        this.platform = platform;
        this.numbers = numbers;
        this.labels = labels && trees.link().answer() != Link.Answer.VALUE;
        this.bytes = trees.ensemble().bytes() + length;
        this.table = new FeatureTable(
                trees.ensemble().features(), signature, trees.featureNames(), "input", numbers, trees.categories());
        this.outputs = told();
    }

    private List<TensorSpec> told() {
        int width = trees.ensemble().outputs();
        if (!labels) {
            boolean one =
                    width == 1 || trees.predict(new double[trees.ensemble().features()]).length == 1;
            return List.of(TreeOutputs.spec(numbers, one ? 1 : width));
        }
        long classes = Math.max(2, width);
        return List.of(
                TreeOutputs.spec(Datatype.INT64, 1),
                new TensorSpec(PROBABILITIES, numbers, List.of(-1L, classes), false));
    }

    @Override
    public String platform() {
        return platform;
    }

    @Override
    public List<TensorSpec> inputs() {
        return table.specs();
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    /** The library numbers its classes from 0. */
    @Override
    public List<String> classes() {
        return labels
                ? LongStream.range(0, outputs.get(1).shape().get(1))
                        .mapToObj(Long::toString)
                        .toList()
                : List.of();
    }

    @Override
    public boolean answersScores() {
        return false;
    }

    @Override
    public List<ParameterSpec> parameters() {
        return labels ? List.of(ModelParameters.PROBABILITIES) : List.of();
    }

    @Override
    public List<Tensor> predict(List<Tensor> given, CallContext context) {
        List<Tensor> answer = predict(given);
        Object wanted = context.parameters().get(ModelParameters.PROBABILITIES.name());
        return Boolean.FALSE.equals(wanted) ? answer.subList(0, 1) : answer;
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        // Once as the trees tell it, and once as tensors.
        AnswerMemory.take(
                given.isEmpty()
                        ? 0
                        : 2
                                * AnswerMemory.weight(
                                        Datatype.FP64,
                                        (long) width() * given.getFirst().rows()));
        double[][] predictions = trees.predict(table.rows(given));
        int rows = predictions.length;
        if (!labels) {
            int width = rows == 0 ? 1 : predictions[0].length;
            double[] values = new double[rows * width];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(predictions[row], 0, values, row * width, width);
            }
            return List.of(TreeOutputs.tensor(numbers, rows, width, values));
        }
        boolean binary = trees.link().answer() == Link.Answer.BINARY;
        int classes = (int) (long) outputs.get(1).shape().get(1);
        long[] chosen = new long[rows];
        double[] shares = new double[rows * classes];
        for (int row = 0; row < rows; row++) {
            double[] share = binary ? new double[] {1 - predictions[row][0], predictions[row][0]} : predictions[row];
            System.arraycopy(share, 0, shares, row * classes, classes);
            for (int i = 1; i < classes; i++) {
                chosen[row] = share[i] > share[(int) chosen[row]] ? i : chosen[row];
            }
        }
        return List.of(
                Tensor.wholes(outputs.getFirst().name(), Datatype.INT64, new long[] {rows}, chosen),
                Tensor.numbers(PROBABILITIES, numbers, new long[] {rows, classes}, shares));
    }

    /** Numbers of a row of all outputs. */
    private int width() {
        return outputs.stream()
                .mapToInt(output ->
                        output.shape().size() > 1 ? (int) (long) output.shape().get(1) : 1)
                .sum();
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        // Lives on the heap alone.
    }
}
