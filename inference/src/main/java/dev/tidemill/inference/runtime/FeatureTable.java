package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.Categories;
import dev.tidemill.trees.UnsupportedModelException;
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
    private final List<Codes> codes;

    /** What the values of one feature stand for; neither for values that stand for themselves. */
    private record Codes(Map<String, Integer> texts, Map<Double, Integer> numbers) {
        static Codes of(Categories categories) {
            return new Codes(indices(categories.texts()), indices(categories.numbers()));
        }

        private static <T> Map<T, Integer> indices(List<T> values) {
            Map<T, Integer> indices = new HashMap<>();
            for (int i = 0; i < values.size(); i++) {
                indices.put(values.get(i), i);
            }
            return indices;
        }
    }

    /**
     * @param signature whose columns are the inputs if it names as many as there are features
     * @param names what the model calls its features, in order; empty where it has no names
     * @param matrix name of the input where no columns have names
     * @param numbers datatype where nothing else is said
     * @param categories of each feature; empty if none has any
     * @throws UnsupportedModelException if the columns cannot hold the categories that the model has for them
     */
    public FeatureTable(
            int features,
            Optional<Signature> signature,
            List<String> names,
            String matrix,
            Datatype numbers,
            List<Categories> categories) {
        this.features = features;
        this.codes = categories.stream().map(Codes::of).toList();
        List<Signature.Field> fields =
                columns(signature).filter(some -> some.size() == features).orElse(List.of());
        List<String> known = fields.isEmpty()
                ? names
                : fields.stream().map(Signature.Field::name).toList();
        if (known.isEmpty()) {
            if (codes.stream().anyMatch(code -> !code.texts().isEmpty())) {
                throw new UnsupportedModelException("texts are categories of its inputs, and they have no names");
            }
            this.specs = List.of(new TensorSpec(matrix, numbers, List.of(-1L, (long) features), false));
            return;
        }
        List<TensorSpec> columns = new ArrayList<>();
        for (int i = 0; i < features; i++) {
            Datatype undeclared = isText(i) ? Datatype.BYTES : isNumber(i) ? Datatype.FP64 : numbers;
            Datatype datatype = fields.isEmpty() ? undeclared : declared(i, fields.get(i), undeclared);
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

    /** The datatype of a column as the signature has it. */
    private Datatype declared(int feature, Signature.Field field, Datatype undeclared) {
        Datatype datatype = SignatureTypes.column(field.type()).orElse(undeclared);
        boolean texts = isText(feature);
        if (texts != (datatype == Datatype.BYTES)) {
            throw new UnsupportedModelException(
                    "its signature declares column '" + field.name() + "' as " + field.type() + ", and the model has "
                            + (texts ? "categories that are texts" : "no texts as categories") + " for it");
        }
        return datatype;
    }

    private boolean isText(int feature) {
        return !codes.isEmpty() && !codes.get(feature).texts().isEmpty();
    }

    private boolean isNumber(int feature) {
        return !codes.isEmpty() && !codes.get(feature).numbers().isEmpty();
    }

    public List<TensorSpec> specs() {
        return specs;
    }

    /**
     * The rows of fitted tensors; a value that is none of its column's categories is NaN, as pandas' categories make it. A whole number that a
     * signature declares is given as it is: the model rounds it, as it did when it was trained.
     */
    public double[][] rows(List<Tensor> given) {
        int rows = given.getFirst().rows();
        double[][] table = new double[rows][features];
        if (!specs.getFirst().isColumn()) {
            Tensor matrix = given.getFirst();
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < features; i++) {
                    table[row][i] = code(i, matrix.number(row * features + i));
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
                table[row][i] = texts ? code(i, column, row) : code(i, column.number(row));
            }
        }
        return table;
    }

    private double code(int feature, Tensor column, int row) {
        String text = column.text(row);
        Integer code = text == null || codes.isEmpty()
                ? null
                : codes.get(feature).texts().get(text);
        return code == null ? Double.NaN : code;
    }

    private double code(int feature, double value) {
        if (!isNumber(feature)) {
            return value;
        }
        // The two zeros are one category.
        Integer code = codes.get(feature).numbers().get(value + 0.0);
        return code == null ? Double.NaN : code;
    }
}
