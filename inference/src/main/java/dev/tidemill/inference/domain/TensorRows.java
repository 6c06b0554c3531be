package dev.tidemill.inference.domain;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cuts tensors into rows and columns and joins them again. An answer has arrays of its own, except that a single part joined is that part;
 * byte strings are shared. How values were written goes along where it still holds.
 */
public final class TensorRows {
    private TensorRows() {}

    /** Some of the rows; those of a table's column are one of a table again. */
    public static Tensor of(Tensor tensor, int from, int to) {
        int width = tensor.width();
        long[] part = tensor.shape();
        part[0] = to - from;
        Tensor some = someRows(tensor, part, from * width, to * width);
        return tensor.place()
                .filter(place -> place.container() == Place.Container.FRAME)
                .map(some::placed)
                .orElse(some);
    }

    private static Tensor someRows(Tensor tensor, long[] part, int from, int to) {
        return switch (tensor.datatype().storage()) {
            case NUMBER ->
                Tensor.numbers(tensor.name(), tensor.datatype(), part, Arrays.copyOfRange(tensor.numbers(), from, to))
                        .like(tensor);
            case WHOLE ->
                Tensor.wholes(tensor.name(), tensor.datatype(), part, Arrays.copyOfRange(tensor.wholes(), from, to));
            case BYTES ->
                Tensor.texts(tensor.name(), part, Arrays.copyOfRange(tensor.texts(), from, to))
                        .like(tensor);
        };
    }

    /** The rows of these numbers, in this order. */
    public static Tensor select(Tensor tensor, int[] rows) {
        int width = tensor.width();
        long[] part = tensor.shape();
        part[0] = rows.length;
        int size = rows.length * width;
        double[] someNumbers = new double[tensor.datatype().storage() == Datatype.Storage.NUMBER ? size : 0];
        long[] someWholes = new long[tensor.datatype().storage() == Datatype.Storage.WHOLE ? size : 0];
        byte[] @Nullable [] someTexts = new byte[tensor.datatype().storage() == Datatype.Storage.BYTES ? size : 0][];
        for (int i = 0; i < rows.length; i++) {
            switch (tensor.datatype().storage()) {
                case NUMBER -> System.arraycopy(tensor.numbers(), rows[i] * width, someNumbers, i * width, width);
                case WHOLE -> System.arraycopy(tensor.wholes(), rows[i] * width, someWholes, i * width, width);
                case BYTES -> System.arraycopy(tensor.texts(), rows[i] * width, someTexts, i * width, width);
            }
        }
        return switch (tensor.datatype().storage()) {
            case NUMBER ->
                Tensor.numbers(tensor.name(), tensor.datatype(), part, someNumbers)
                        .like(tensor);
            case WHOLE -> Tensor.wholes(tensor.name(), tensor.datatype(), part, someWholes);
            case BYTES -> Tensor.texts(tensor.name(), part, someTexts).like(tensor);
        };
    }

    /** The rows of several tensors of one datatype and width, one after the other, under the first one's name. */
    public static Tensor concatenated(List<Tensor> parts) {
        Tensor first = parts.getFirst();
        if (parts.size() == 1) {
            return first;
        }
        long[] shape = first.shape();
        shape[0] = parts.stream().mapToLong(Tensor::rows).sum();
        return switch (first.datatype().storage()) {
            case NUMBER ->
                Tensor.numbers(
                                first.name(),
                                first.datatype(),
                                shape,
                                parts.stream()
                                        .flatMapToDouble(part -> Arrays.stream(part.numbers()))
                                        .toArray())
                        .like(parts.stream()
                                .filter(part -> part.writing() != first.writing())
                                .findFirst()
                                .map(other -> first.hasTruths() ? other : first)
                                .orElse(first));
            case WHOLE ->
                Tensor.wholes(
                        first.name(),
                        first.datatype(),
                        shape,
                        parts.stream()
                                .flatMapToLong(part -> Arrays.stream(part.wholes()))
                                .toArray());
            case BYTES ->
                Tensor.texts(
                                first.name(),
                                shape,
                                parts.stream()
                                        .flatMap(part -> Arrays.stream(part.texts()))
                                        .toArray(byte[][]::new))
                        .like(parts.stream()
                                .filter(part -> !part.isBinary())
                                .findFirst()
                                .filter(other -> first.isBinary())
                                .orElse(first));
        };
    }

    /** One column of a matrix, under a name of its own. */
    public static Tensor column(Tensor tensor, int column, String columnName) {
        int width = tensor.width();
        int rows = tensor.rows();
        long[] one = {rows};
        switch (tensor.datatype().storage()) {
            case NUMBER -> {
                double[] numbers = tensor.numbers();
                double[] values = new double[rows];
                for (int row = 0; row < rows; row++) {
                    values[row] = numbers[row * width + column];
                }
                return Tensor.numbers(columnName, tensor.datatype(), one, values)
                        .like(tensor);
            }
            case WHOLE -> {
                long[] wholes = tensor.wholes();
                long[] values = new long[rows];
                for (int row = 0; row < rows; row++) {
                    values[row] = wholes[row * width + column];
                }
                return Tensor.wholes(columnName, tensor.datatype(), one, values);
            }
            default -> {
                byte[] @Nullable [] texts = tensor.texts();
                byte[] @Nullable [] values = new byte[rows][];
                for (int row = 0; row < rows; row++) {
                    values[row] = texts[row * width + column];
                }
                return new Tensor(
                        columnName, Datatype.BYTES, one, new double[0], new long[0], values, tensor.writing());
            }
        }
    }
}
