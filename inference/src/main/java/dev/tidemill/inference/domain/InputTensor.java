package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor as a request carries it, whatever the wire.
 *
 * @param datatype one of the Open Inference Protocol's
 * @param values flat, row-major; text for {@code BYTES}, null for a missing value
 */
public record InputTensor(String name, String datatype, List<Long> shape, List<@Nullable Object> values) {
    private static final int MOST_ROWS = 10_000;

    /**
     * Reads tensors of one column each, shape {@code [rows]} or {@code [rows, 1]}, as rows by column.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for shapes that do not agree with each other or with the values
     */
    static List<Map<String, @Nullable Object>> rows(List<InputTensor> tensors) {
        if (tensors.isEmpty()) {
            throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
        }
        int rows = tensors.getFirst().rows();
        List<Map<String, @Nullable Object>> table = new ArrayList<>(rows);
        for (int row = 0; row < rows; row++) {
            table.add(new HashMap<>());
        }
        for (InputTensor tensor : tensors) {
            tensor.check(rows);
            for (int row = 0; row < rows; row++) {
                table.get(row).put(tensor.name(), tensor.values().get(row));
            }
        }
        return table;
    }

    private int rows() {
        if (shape.isEmpty() || shape.size() > 2) {
            throw TidemillException.invalid(
                    "shape", "The shape of '" + name + "' must be [rows] or [rows, 1], not " + shape);
        }
        long rows = shape.getFirst();
        if (rows < 0 || rows > MOST_ROWS) {
            throw TidemillException.invalid(
                    "shape", "'" + name + "' has " + rows + " rows; 0 to " + MOST_ROWS + " are taken");
        }
        return (int) rows;
    }

    private void check(int rows) {
        if (name.isEmpty()) {
            throw TidemillException.invalid("inputs", "A tensor has no name");
        }
        if (rows() != rows || (shape.size() == 2 && shape.get(1) != 1)) {
            throw TidemillException.invalid(
                    "shape",
                    "Tensor '" + name + "' has shape " + shape + "; all tensors must have " + rows
                            + " rows of one value");
        }
        if (values.size() != rows) {
            throw TidemillException.invalid(
                    "data", "Tensor '" + name + "' has " + values.size() + " values; its shape says " + rows);
        }
    }
}
