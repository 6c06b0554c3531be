package dev.tidemill.inference.domain;

import java.util.List;

/**
 * What a model takes or gives under one name.
 *
 * @param shape sizes by dimension, the first for rows; -1 stands for any size
 * @param optional whether the model can do without it
 */
public record TensorSpec(String name, Datatype datatype, List<Long> shape, boolean optional) {
    public TensorSpec {
        shape = List.copyOf(shape);
    }

    /** One value a row. */
    public static TensorSpec column(String name, Datatype datatype, boolean optional) {
        return new TensorSpec(name, datatype, List.of(-1L), optional);
    }

    public boolean isColumn() {
        return shape.size() == 1;
    }
}
