package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The inputs of a model that scores a row of numbers: columns where they have names, of which a signature's come first, else
 * one matrix. Immutable and thread-safe.
 */
public final class FeatureTable {
    private final int features;
    private final List<TensorSpec> specs;
    private final List<Map<String, Integer>> codes = new ArrayList<>();

    /**
     * @param signature whose columns are the inputs if it names as many as there are features
     * @param names what the model calls its features, in order; empty where it has no names
     * @param matrix name of the input where no columns have names
     * @param numbers datatype where nothing else is said
     * @param categories of each feature: texts that stand for their index, or none for a numeric one; empty if all are numeric
     */
    public FeatureTable(
            int features,
            Optional<Signature> signature,
            List<String> names,
            String matrix,
            Datatype numbers,
            List<List<String>> categories) {
        this.features = features;
        for (List<String> texts : categories) {
            Map<String, Integer> code = new HashMap<>();
            for (int i = 0; i < texts.size(); i++) {
                code.put(texts.get(i), i);
            }
            codes.add(code);
        }
        List<Signature.Field> fields =
                columns(signature).filter(some -> some.size() == features).orElse(List.of());
        List<String> known = fields.isEmpty()
                ? names
                : fields.stream().map(Signature.Field::name).toList();
        if (known.isEmpty()) {
            this.specs = List.of(new TensorSpec(matrix, numbers, List.of(-1L, (long) features), false));
            return;
        }
        List<TensorSpec> columns = new ArrayList<>();
        for (int i = 0; i < features; i++) {
            Datatype datatype = isText(i)
                    ? Datatype.BYTES
                    : fields.isEmpty()
                            ? numbers
                            : SignatureTypes.column(fields.get(i).type()).orElse(numbers);
            TensorSpec column = TensorSpec.column(
                            known.get(i),
                            datatype,
                            !fields.isEmpty() && fields.get(i).optional())
                    .withMissing()
                    .withRounding();
            columns.add(fields.isEmpty() ? column : column.withStrict());
        }
        this.specs = List.copyOf(columns);
    }

    /** The inputs of a signature if each is a column with a name. */
    public static Optional<List<Signature.Field>> columns(Optional<Signature> signature) {
        return signature
                .map(Signature::inputs)
                .filter(fields -> !fields.isEmpty()
                        && fields.stream()
                                .noneMatch(field ->
                                        field.name().isEmpty() || field.type().contains("[")));
    }

    private boolean isText(int feature) {
        return !codes.isEmpty() && !codes.get(feature).isEmpty();
    }

    public List<TensorSpec> specs() {
        return specs;
    }

    /**
     * The rows of fitted tensors; a text that is none of its column's categories is NaN, as pandas' categories make it. A whole number that a
     * signature declares is given as it is: the model rounds it, as it did when it was trained.
     */
    public double[][] rows(List<Tensor> given) {
        int rows = given.getFirst().rows();
        double[][] table = new double[rows][features];
        if (!specs.getFirst().isColumn()) {
            Tensor matrix = given.getFirst();
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < features; i++) {
                    table[row][i] = matrix.number(row * features + i);
                }
            }
            return table;
        }
        for (int i = 0; i < features; i++) {
            Optional<Tensor> found = Tensor.named(given, specs.get(i).name());
            if (found.isEmpty()) {
                for (int row = 0; row < rows; row++) {
                    table[row][i] = Double.NaN;
                }
                continue;
            }
            Tensor column = found.get();
            boolean texts = column.datatype() == Datatype.BYTES;
            for (int row = 0; row < rows; row++) {
                table[row][i] = texts ? code(i, column, row) : column.number(row);
            }
        }
        return table;
    }

    private double code(int feature, Tensor column, int row) {
        String text = column.text(row);
        Integer code =
                text == null || codes.isEmpty() ? null : codes.get(feature).get(text);
        return code == null ? Double.NaN : code;
    }
}
