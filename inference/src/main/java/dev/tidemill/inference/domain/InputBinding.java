package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Fits what a request brings to what a model takes. Tensors are found by name, in any order, and have the shapes that the model
 * declares; their first dimensions need not be of one size unless the model says so. A column may be of shape {@code [rows]} or {@code
 * [rows, 1]}, and all columns of a request have as many rows; names that the model does not know are left out, as long as one fits. A single matrix whose name is no column's
 * is taken column by column in the model's order. Columns may feed a model of one matrix, too.
 */
public final class InputBinding {
    /** Most rows of one request. */
    static final int MOST_ROWS = 1_000_000;

    private InputBinding() {}

    /** Checks what holds for every model: there are inputs, not too many rows, and no two of one name. */
    static void check(List<Tensor> given) {
        if (given.isEmpty()) {
            throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
        }
        Set<String> names = HashSet.newHashSet(given.size());
        for (Tensor tensor : given) {
            if (tensor.rows() > MOST_ROWS) {
                throw TidemillException.invalid(
                        "shape", tensor.rows() + " rows are too many; " + MOST_ROWS + " are taken at once");
            }
            if (!names.add(tensor.name())) {
                throw TidemillException.invalid("inputs", "There are two inputs named '" + tensor.name() + "'");
            }
        }
    }

    /** How many rows columns hold; every one must hold as many. */
    private static int rows(List<Tensor> columns) {
        Tensor first = columns.getFirst();
        for (Tensor tensor : columns) {
            if (tensor.rows() != first.rows()) {
                throw TidemillException.invalid(
                        "shape",
                        "Tensor '" + tensor.name() + "' has " + tensor.rows() + " rows, '" + first.name() + "' has "
                                + first.rows());
            }
        }
        return first.rows();
    }

    /**
     * Names of a request's tensors that the models do not know; none where it takes them by place, or says nothing of its inputs.
     */
    private static List<String> unknown(List<TensorSpec> specs, List<TensorSpec> others, List<Tensor> given) {
        if (specs.isEmpty() || !isKnown(specs, given)) {
            return List.of();
        }
        boolean inOrder = given.size() == specs.size();
        for (int i = 0; inOrder && i < given.size(); i++) {
            inOrder = given.get(i).name().equals(specs.get(i).name());
        }
        if (inOrder) {
            return List.of();
        }
        Set<String> names = HashSet.newHashSet(specs.size());
        specs.forEach(spec -> names.add(spec.name()));
        others.forEach(spec -> names.add(spec.name()));
        return given.stream()
                .map(Tensor::name)
                .filter(name -> !names.contains(name))
                .toList();
    }

    /** Names of inputs that the model must have and a request leaves out, though the model could go on with missing values. */
    static List<String> missing(List<TensorSpec> specs, List<Tensor> given) {
        if (!isKnown(specs, given)) {
            return List.of();
        }
        return specs.stream()
                .filter(spec -> !spec.optional() && spec.missing() && spec.isOpenColumn())
                .map(TensorSpec::name)
                .filter(name -> Tensor.named(given, name).isEmpty())
                .toList();
    }

    /** What a request leaves out, filled in as missing values. */
    static List<Tensor> filled(List<TensorSpec> specs, List<Tensor> given) {
        List<String> missing = missing(specs, given);
        List<Tensor> all = new ArrayList<>(given);
        specs.stream()
                .filter(spec -> missing.contains(spec.name()))
                .forEach(spec ->
                        all.add(ValueBinding.absent(spec, given.getFirst().rows())));
        return all;
    }

    /**
     * Checks that a request brings nothing but what the model knows.
     *
     * @param others what another model that the request goes to knows beside
     * @throws TidemillException {@code INVALID_ARGUMENT} naming what the model does not know
     */
    static void checkKnown(List<TensorSpec> specs, List<TensorSpec> others, List<Tensor> given) {
        List<String> unknown = unknown(specs, others, given);
        if (!unknown.isEmpty()) {
            throw TidemillException.invalid(
                            "inputs", "The model takes no input " + quoted(unknown) + "; it takes " + names(specs))
                    .remedy("Leave it out, or let the deployment's policy say 'inputs: warn'");
        }
    }

    /** What is amiss with a request that is answered all the same, for people. */
    static List<String> warnings(List<TensorSpec> specs, List<TensorSpec> others, List<Tensor> given) {
        List<String> warnings = new ArrayList<>();
        List<String> unknown = unknown(specs, others, given);
        List<String> missing = missing(specs, given);
        if (!unknown.isEmpty()) {
            warnings.add("The model takes no input " + quoted(unknown) + ", which was left out");
        }
        if (!missing.isEmpty()) {
            warnings.add("Input " + quoted(missing) + " is missing, and was taken for missing values");
        }
        return warnings;
    }

    private static String quoted(List<String> names) {
        String some = names.stream().limit(20).collect(Collectors.joining("', '", "'", "'"));
        return names.size() > 20 ? some + " and " + (names.size() - 20) + " more" : some;
    }

    /**
     * The inputs in the model's names, order and shapes.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the input that is missing or does not fit
     */
    public static List<Tensor> fit(List<TensorSpec> specs, List<Tensor> given) {
        check(given);
        if (specs.isEmpty()) {
            return given;
        }
        if (isKnown(specs, given)) {
            return fitted(specs, given);
        }
        boolean columns = specs.stream().allMatch(TensorSpec::isOpenColumn);
        if (columns && given.size() == 1 && !given.getFirst().isColumn()) {
            try {
                return fitted(specs, split(specs, given.getFirst()));
            } catch (TidemillException e) {
                throw e.remedy("Send each row as an object with its values by name, such as {\""
                        + specs.getFirst().name()
                        + "\": ...}; a list of lists is a matrix, whose values are all of one kind");
            }
        }
        if (specs.size() == 1) {
            TensorSpec only = specs.getFirst();
            if (given.size() == 1) {
                return fitted(
                        specs,
                        List.of(given.getFirst()
                                .as(only.name(), given.getFirst().shape())));
            }
            if (only.shape().size() == 2 && given.stream().allMatch(Tensor::isColumn)) {
                return fitted(specs, List.of(matrix(only, given, rows(given))));
            }
        }
        throw TidemillException.invalid(
                "inputs",
                "The model takes " + names(specs) + "; the request has "
                        + given.stream().map(Tensor::name).limit(20).collect(Collectors.joining("', '", "'", "'")));
    }

    /** Whether a name of the request is one of the model's. */
    private static boolean isKnown(List<TensorSpec> specs, List<Tensor> given) {
        for (TensorSpec spec : specs) {
            if (Tensor.named(given, spec.name()).isPresent()) {
                return true;
            }
        }
        return false;
    }

    /** Tensors of the right names, checked and in order. */
    static List<Tensor> fitted(List<TensorSpec> specs, List<Tensor> given) {
        if (specs.stream().allMatch(TensorSpec::isOpenColumn)) {
            rows(given);
        }
        List<Tensor> fitted = new ArrayList<>(specs.size());
        for (int i = 0; i < specs.size(); i++) {
            TensorSpec spec = specs.get(i);
            // Most clients send the columns in the model's own order.
            boolean inOrder = i < given.size() && given.get(i).name().equals(spec.name());
            Optional<Tensor> found = inOrder ? Optional.of(given.get(i)) : Tensor.named(given, spec.name());
            if (found.isPresent()) {
                fitted.add(shaped(spec, found.get()));
            } else if (!spec.optional()) {
                throw TidemillException.invalid(
                        "inputs", "Input '" + spec.name() + "' is missing; the model takes " + names(specs));
            }
        }
        return fitted;
    }

    private static Tensor shaped(TensorSpec spec, Tensor given) {
        Tensor tensor = ValueBinding.fitted(spec, given);
        long[] shape = tensor.shape();
        if (fits(spec.shape(), shape)) {
            return tensor;
        }
        boolean single = spec.shape().isEmpty() && Arrays.equals(shape, new long[] {1});
        boolean column = spec.isColumn() && tensor.isColumn() && shape.length == 2;
        if (single) {
            return tensor.as(spec.name());
        }
        if (column && fits(spec.shape(), new long[] {shape[0]})) {
            return tensor.as(spec.name(), shape[0]);
        }
        throw TidemillException.invalid(
                "shape",
                "Tensor '" + spec.name() + "' has shape " + Arrays.toString(shape) + "; the model takes "
                        + spec.shape());
    }

    private static boolean fits(List<Long> wanted, long[] shape) {
        boolean fits = shape.length == wanted.size();
        for (int i = 0; fits && i < shape.length; i++) {
            fits = wanted.get(i) < 0 || wanted.get(i) == shape[i];
        }
        return fits;
    }

    private static List<Tensor> split(List<TensorSpec> specs, Tensor matrix) {
        if (matrix.width() != specs.size()) {
            throw TidemillException.invalid(
                    "shape",
                    "Tensor '" + matrix.name() + "' has " + matrix.width() + " values a row; the model takes "
                            + specs.size() + ": " + names(specs));
        }
        List<Tensor> columns = new ArrayList<>(specs.size());
        for (int i = 0; i < specs.size(); i++) {
            columns.add(TensorRows.column(matrix, i, specs.get(i).name()));
        }
        return columns;
    }

    private static Tensor matrix(TensorSpec spec, List<Tensor> columns, int rows) {
        List<Tensor> fitted = columns.stream()
                .map(column -> ValueBinding.fitted(TensorSpec.column(column.name(), spec.datatype(), false), column))
                .toList();
        // Fitted to a floating-point datatype they are checked already; whole columns beside missing values are not.
        return spec.datatype().storage() == Datatype.Storage.NUMBER
                ? joined(spec.name(), spec.datatype(), fitted, rows)
                : matrix(spec.name(), spec.datatype(), fitted, rows);
    }

    /**
     * Refuses whole numbers that a model would change by computing with them as a floating-point datatype; other columns pass.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the first
     */
    private static void checkExact(Datatype datatype, Tensor column) {
        if (column.datatype().storage() == Datatype.Storage.WHOLE) {
            ValueBinding.checkExact(column.name(), datatype, column);
        }
    }

    /**
     * One matrix of columns of numbers, without changing a value.
     *
     * @param datatype of the matrix as the model takes it, which is not {@code BYTES}
     * @param rows that each column has
     * @throws TidemillException {@code INVALID_ARGUMENT} naming a whole number that the datatype does not hold
     */
    public static Tensor matrix(String name, Datatype datatype, List<Tensor> columns, int rows) {
        boolean whole = columns.stream().allMatch(column -> column.datatype().storage() == Datatype.Storage.WHOLE);
        if (datatype.storage() != Datatype.Storage.WHOLE || !whole) {
            Datatype held = datatype.storage() == Datatype.Storage.NUMBER ? datatype : Datatype.FP64;
            columns.forEach(column -> checkExact(held, column));
        }
        return joined(name, datatype, columns, rows);
    }

    /** Columns whose values the datatype holds. */
    private static Tensor joined(String name, Datatype datatype, List<Tensor> columns, int rows) {
        int width = columns.size();
        long[] shape = {rows, width};
        boolean whole = columns.stream().allMatch(column -> column.datatype().storage() == Datatype.Storage.WHOLE);
        if (datatype.storage() == Datatype.Storage.WHOLE && whole) {
            long[] values = new long[Math.multiplyExact(rows, width)];
            for (int column = 0; column < width; column++) {
                Tensor one = columns.get(column);
                for (int row = 0; row < rows; row++) {
                    values[row * width + column] = one.whole(row);
                }
            }
            return Tensor.wholes(name, datatype, shape, values);
        }
        double[] values = new double[Math.multiplyExact(rows, width)];
        for (int column = 0; column < width; column++) {
            Tensor one = columns.get(column);
            for (int row = 0; row < rows; row++) {
                values[row * width + column] = one.number(row);
            }
        }
        return Tensor.numbers(name, Datatype.FP64, shape, values);
    }

    private static String names(List<TensorSpec> specs) {
        return quoted(specs.stream().map(TensorSpec::name).toList());
    }
}
