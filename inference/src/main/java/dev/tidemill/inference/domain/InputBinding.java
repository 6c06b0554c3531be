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
 * Fits what a request brings to what a model takes. Columns are found by name, in any order, shape {@code [rows]} or {@code
 * [rows, 1]}; names that the model does not know are left out, as long as one fits. A single matrix whose name is no column's
 * is taken column by column in the model's order. Columns may feed a model of one matrix, too.
 */
public final class InputBinding {
    /** Most rows of one request. */
    static final int MOST_ROWS = 1_000_000;

    private InputBinding() {}

    /** How many rows a request's tensors hold; every tensor must hold as many. */
    static int rows(List<Tensor> given) {
        if (given.isEmpty()) {
            throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
        }
        int rows = given.getFirst().rows();
        if (rows > MOST_ROWS) {
            throw TidemillException.invalid("shape", rows + " rows are too many; " + MOST_ROWS + " are taken at once");
        }
        Set<String> names = HashSet.newHashSet(given.size());
        for (Tensor tensor : given) {
            if (tensor.rows() != rows) {
                throw TidemillException.invalid(
                        "shape",
                        "Tensor '" + tensor.name() + "' has " + tensor.rows() + " rows, '"
                                + given.getFirst().name() + "' has " + rows);
            }
            if (!names.add(tensor.name())) {
                throw TidemillException.invalid("inputs", "There are two inputs named '" + tensor.name() + "'");
            }
        }
        return rows;
    }

    /**
     * The inputs in the model's names, order and shapes.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the input that is missing or does not fit
     */
    public static List<Tensor> fit(List<TensorSpec> specs, List<Tensor> given) {
        int rows = rows(given);
        if (specs.isEmpty()) {
            return given;
        }
        if (isKnown(specs, given)) {
            return fitted(specs, given, rows);
        }
        boolean columns = specs.stream().allMatch(TensorSpec::isColumn);
        if (columns && given.size() == 1 && !given.getFirst().isColumn()) {
            return fitted(specs, split(specs, given.getFirst()), rows);
        }
        if (specs.size() == 1) {
            TensorSpec only = specs.getFirst();
            if (given.size() == 1) {
                return fitted(
                        specs,
                        List.of(given.getFirst()
                                .as(only.name(), given.getFirst().shape())),
                        rows);
            }
            if (only.shape().size() == 2 && given.stream().allMatch(Tensor::isColumn)) {
                return fitted(specs, List.of(matrix(only, given, rows)), rows);
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
    static List<Tensor> fitted(List<TensorSpec> specs, List<Tensor> given, int rows) {
        List<Tensor> fitted = new ArrayList<>(specs.size());
        for (int i = 0; i < specs.size(); i++) {
            TensorSpec spec = specs.get(i);
            // Most clients send the columns in the model's own order.
            boolean inOrder = i < given.size() && given.get(i).name().equals(spec.name());
            Optional<Tensor> found = inOrder ? Optional.of(given.get(i)) : Tensor.named(given, spec.name());
            if (found.isPresent()) {
                fitted.add(shaped(spec, found.get(), rows));
            } else if (!spec.optional()) {
                throw TidemillException.invalid(
                        "inputs", "Input '" + spec.name() + "' is missing; the model takes " + names(specs));
            }
        }
        return fitted;
    }

    private static Tensor shaped(TensorSpec spec, Tensor tensor, int rows) {
        boolean text = spec.datatype() == Datatype.BYTES;
        if (!text && tensor.datatype() == Datatype.BYTES) {
            throw TidemillException.invalid(
                    "datatype", "Tensor '" + spec.name() + "' is BYTES; the model takes " + spec.datatype());
        }
        if (spec.isColumn()) {
            if (!tensor.isColumn()) {
                throw TidemillException.invalid(
                        "shape",
                        "Tensor '" + spec.name() + "' has shape " + Arrays.toString(tensor.shape()) + "; it must be ["
                                + rows + "] or [" + rows + ", 1]");
            }
            return tensor.shape().length == 1 ? tensor : tensor.as(spec.name(), rows);
        }
        long[] shape = tensor.shape();
        boolean fits = shape.length == spec.shape().size();
        for (int i = 1; fits && i < shape.length; i++) {
            fits = spec.shape().get(i) < 0 || spec.shape().get(i) == shape[i];
        }
        if (!fits) {
            throw TidemillException.invalid(
                    "shape",
                    "Tensor '" + spec.name() + "' has shape " + Arrays.toString(shape) + "; the model takes "
                            + spec.shape());
        }
        return tensor;
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
            columns.add(matrix.column(i, specs.get(i).name()));
        }
        return columns;
    }

    private static Tensor matrix(TensorSpec spec, List<Tensor> columns, int rows) {
        double[] values = new double[rows * columns.size()];
        for (int column = 0; column < columns.size(); column++) {
            if (columns.get(column).datatype() == Datatype.BYTES) {
                throw TidemillException.invalid(
                        "datatype",
                        "Tensor '" + columns.get(column).name() + "' is BYTES; the model takes " + spec.datatype());
            }
            for (int row = 0; row < rows; row++) {
                values[row * columns.size() + column] = columns.get(column).number(row);
            }
        }
        return Tensor.numbers(spec.name(), Datatype.FP64, new long[] {rows, columns.size()}, values);
    }

    private static String names(List<TensorSpec> specs) {
        String some = specs.stream().map(TensorSpec::name).limit(20).collect(Collectors.joining("', '", "'", "'"));
        return specs.size() > 20 ? some + " and " + (specs.size() - 20) + " more" : some;
    }
}
