package dev.tidemill.inference.domain;

import java.util.Collections;
import java.util.List;

/**
 * What a model takes or gives under one name.
 *
 * @param shape sizes by dimension, the first for rows where the model answers by rows; -1 stands for any size, and no dimensions
 *     for a single value
 * @param optional whether the model can do without it
 * @param symbols names of its dimensions: those of one name are of one size in a request; an empty text for one that has none
 */
public record TensorSpec(String name, Datatype datatype, List<Long> shape, boolean optional, List<String> symbols) {
    public TensorSpec {
        shape = List.copyOf(shape);
        symbols = List.copyOf(symbols);
    }

    public TensorSpec(String name, Datatype datatype, List<Long> shape, boolean optional) {
        this(name, datatype, shape, optional, Collections.nCopies(shape.size(), ""));
    }

    /** One value a row. */
    public static TensorSpec column(String name, Datatype datatype, boolean optional) {
        return new TensorSpec(name, datatype, List.of(-1L), optional);
    }

    public boolean isColumn() {
        return shape.size() == 1;
    }

    /** Whether it is one value for each of as many rows as there are. */
    boolean isOpenColumn() {
        return isColumn() && shape.getFirst() < 0;
    }
}
