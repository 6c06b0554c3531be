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
import dev.tidemill.trees.TreeClassifier;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Trees of another library with the inputs and the answer that MLflow's {@code pyfunc} has for them: of a classifier the class, or
 * of several labels which of them hold, and beside it the probabilities if there are any.
 */
final class BoostedTreesModel implements LoadedModel {
    private static final String PROBABILITIES = ModelParameters.PROBABILITIES.name();

    private final BoostedTrees trees;
    private final String platform;
    private final Datatype numbers;
    private final Optional<TreeClassifier> classifier;
    private final long bytes;
    private final FeatureTable table;
    private final List<TensorSpec> outputs;

    /**
     * @param numbers datatype of inputs that nothing else is said of, and of the answer
     * @param classifies whether it answers as a classifier of its library's scikit-learn interface
     */
    BoostedTreesModel(
            BoostedTrees trees,
            Optional<Signature> signature,
            String platform,
            Datatype numbers,
            boolean classifies,
            int length) {
        this.trees = trees;
        this.platform = platform;
        this.numbers = numbers;
        this.classifier = classifies ? TreeClassifier.of(trees) : Optional.empty();
        this.bytes = trees.ensemble().bytes() + length;
        this.table = new FeatureTable(
                trees.ensemble().features(), signature, trees.featureNames(), "input", numbers, trees.categories());
        this.outputs = told();
    }

    private List<TensorSpec> told() {
        int width = trees.ensemble().outputs();
        if (classifier.isEmpty()) {
            boolean one =
                    width == 1 || trees.predict(new double[trees.ensemble().features()]).length == 1;
            return List.of(TreeOutputs.spec(numbers, one ? 1 : width));
        }
        int labels = classifier.get().labels();
        TensorSpec chosen = labels == 0 ? TreeOutputs.spec(Datatype.INT64, 1) : TreeOutputs.spec(Datatype.FP64, labels);
        long shares = classifier.get().probabilities();
        return shares == 0
                ? List.of(chosen)
                : List.of(chosen, new TensorSpec(PROBABILITIES, numbers, List.of(-1L, shares), false));
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

    /** The library numbers its classes from 0; labels are no classes of one answer. */
    @Override
    public List<String> classes() {
        return IntStream.range(0, classifier.map(TreeClassifier::classes).orElse(0))
                .mapToObj(Integer::toString)
                .toList();
    }

    @Override
    public boolean answersScores() {
        return false;
    }

    @Override
    public List<ParameterSpec> parameters() {
        return outputs.size() > 1 ? List.of(ModelParameters.PROBABILITIES) : List.of();
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
        double[][] rows = table.rows(given);
        return classifier
                .map(one -> classes(one, trees.ensemble().margins(rows)))
                .orElseGet(() -> values(trees.predict(rows)));
    }

    private List<Tensor> values(double[][] predictions) {
        int width = predictions.length == 0 ? 1 : predictions[0].length;
        return List.of(TreeOutputs.tensor(numbers, predictions.length, width, flat(predictions, width)));
    }

    private List<Tensor> classes(TreeClassifier told, double[][] margins) {
        int rows = margins.length;
        int shares = told.probabilities();
        double[][] chosen = new double[rows][];
        double[][] probabilities = new double[rows][];
        for (int row = 0; row < rows; row++) {
            double[] scores = told.scores(margins[row]);
            chosen[row] = told.chosen(scores);
            probabilities[row] = shares == 0 ? new double[0] : told.probabilities(scores);
        }
        Tensor answer = told.labels() > 0
                ? TreeOutputs.tensor(Datatype.FP64, rows, told.labels(), flat(chosen, told.labels()))
                : Tensor.wholes(
                        outputs.getFirst().name(),
                        Datatype.INT64,
                        new long[] {rows},
                        Arrays.stream(chosen).mapToLong(one -> (long) one[0]).toArray());
        return shares == 0
                ? List.of(answer)
                : List.of(
                        answer,
                        Tensor.numbers(PROBABILITIES, numbers, new long[] {rows, shares}, flat(probabilities, shares)));
    }

    private static double[] flat(double[][] rows, int width) {
        double[] values = new double[rows.length * width];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, values, row * width, width);
        }
        return values;
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
