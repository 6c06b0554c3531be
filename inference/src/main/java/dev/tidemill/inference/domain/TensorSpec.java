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
 * @param missing whether single values of it may be missing: a text of {@code BYTES} that is null, a whole number that is NaN; floating-
 *     point numbers always may be NaN
 * @param encoded whether its bytes are written as Base64 where they are written as text, as MLflow writes its type {@code binary}
 * @param rounds whether the model rounds whole numbers itself, as it did in training, so that none is too fine for it
 * @param strict whether it is told to hold numbers and no truths, as a signature tells it; else a truth is 0 or 1 to it
 */
public record TensorSpec(
        String name,
        Datatype datatype,
        List<Long> shape,
        boolean optional,
        List<String> symbols,
        boolean missing,
        boolean encoded,
        boolean rounds,
        boolean strict) {
    public TensorSpec {
        shape = List.copyOf(shape);
        symbols = List.copyOf(symbols);
    }

    public TensorSpec(String name, Datatype datatype, List<Long> shape, boolean optional) {
        this(name, datatype, shape, optional, Collections.nCopies(shape.size(), ""));
    }

    public TensorSpec(String name, Datatype datatype, List<Long> shape, boolean optional, List<String> symbols) {
        this(name, datatype, shape, optional, symbols, false, false, false, false);
    }

    /** The same, whose single values may be missing. */
    public TensorSpec withMissing() {
        return new TensorSpec(name, datatype, shape, optional, symbols, true, encoded, rounds, strict);
    }

    /** The same, which takes no truth for a number. */
    public TensorSpec withStrict() {
        return new TensorSpec(name, datatype, shape, optional, symbols, missing, encoded, rounds, true);
    }

    /** The same, of a model that rounds whole numbers itself. */
    public TensorSpec withRounding() {
        return new TensorSpec(name, datatype, shape, optional, symbols, missing, encoded, true, strict);
    }

    /** The same, written as Base64. */
    public TensorSpec withEncoded() {
        return new TensorSpec(name, datatype, shape, optional, symbols, missing, true, rounds, strict);
    }

    /** The same, which the model can do without or not. */
    public TensorSpec withOptional(boolean other) {
        return new TensorSpec(name, datatype, shape, other, symbols, missing, encoded, rounds, strict);
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
