package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.BoostedTrees;
import dev.tidemill.trees.Link;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Trees of another library with the inputs and the answer that MLflow's {@code pyfunc} has for them: of a classifier the class,
 * and beside it the probabilities.
 */
final class BoostedTreesModel implements LoadedModel {
    private static final String PROBABILITIES = "probabilities";

    private final BoostedTrees trees;
    private final String platform;
    private final Datatype numbers;
    private final boolean labels;
    private final long bytes;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final List<Map<String, Integer>> codes = new ArrayList<>();

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
        for (List<String> names : trees.categories()) {
            var code = new HashMap<String, Integer>();
            for (int i = 0; i < names.size(); i++) {
                code.put(names.get(i), i);
            }
            codes.add(code);
        }
        this.inputs = asked(signature);
        this.outputs = told();
    }

    private List<TensorSpec> asked(Optional<Signature> signature) {
        int features = trees.ensemble().features();
        List<Signature.Field> fields = signature.map(Signature::inputs).orElse(List.of());
        boolean named = fields.size() == features
                && fields.stream()
                        .noneMatch(
                                field -> field.name().isEmpty() || field.type().contains("["));
        List<String> names = named ? fields.stream().map(Signature.Field::name).toList() : trees.featureNames();
        if (names.isEmpty()) {
            return List.of(new TensorSpec("input", numbers, List.of(-1L, (long) features), false));
        }
        List<TensorSpec> specs = new ArrayList<>();
        for (int i = 0; i < features; i++) {
            Datatype datatype = trees.categories().get(i).isEmpty()
                    ? named ? SignatureTypes.column(fields.get(i).type()).orElse(numbers) : numbers
                    : Datatype.BYTES;
            specs.add(TensorSpec.column(names.get(i), datatype, false));
        }
        return specs;
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
        return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public List<String> classes() {
        return List.of();
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        double[][] predictions = trees.predict(rows(given));
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

    private double[][] rows(List<Tensor> given) {
        int features = trees.ensemble().features();
        int rows = given.getFirst().rows();
        double[][] table = new double[rows][features];
        if (given.size() == 1 && inputs.size() == 1 && !inputs.getFirst().isColumn()) {
            Tensor matrix = given.getFirst();
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < features; i++) {
                    table[row][i] = matrix.number(row * features + i);
                }
            }
            return table;
        }
        for (int i = 0; i < features; i++) {
            Tensor column = given.get(i);
            boolean texts = column.datatype() == Datatype.BYTES;
            for (int row = 0; row < rows; row++) {
                table[row][i] = texts ? code(i, column, row) : column.number(row);
            }
        }
        return table;
    }

    /** A text that was not seen in training is missing, as pandas' categories make it. */
    private double code(int feature, Tensor column, int row) {
        String text = column.text(row);
        Integer code = text == null ? null : codes.get(feature).get(text);
        return code == null ? Double.NaN : code;
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
