package dev.tidemill.inference.domain;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * What is kept of a model's answer to a row, from its first output: its numbers, each a {@link Double}, or the one text that names a
 * class, a {@link String}. A whole number from 2^53 on, which not every double holds, is a {@link BigInteger}. Nothing is kept of what is neither, such as several texts or one that is too long to name a class.
 */
public final class AnswerValues {
    /** A longer text is written by a model, not chosen among classes. */
    public static final int LONGEST_TEXT = 256;

    /** From here on a double does not hold every whole number. */
    public static final long EXACT = 1L << 53;

    private static final int MOST_BYTES = 4 * LONGEST_TEXT;

    private AnswerValues() {}

    /** The only row of an answer. */
    static List<Object> of(Tensor output) {
        return of(output, 0, output.size());
    }

    /** @param width values of a row */
    static List<Object> of(Tensor output, int row, int width) {
        if (output.datatype() == Datatype.BYTES) {
            return width == 1 ? text(output, row) : List.of();
        }
        var values = new ArrayList<Object>(width);
        for (int i = 0; i < width; i++) {
            values.add(number(output, row * width + i));
        }
        return values;
    }

    private static Object number(Tensor output, int index) {
        if (output.datatype().storage() != Datatype.Storage.WHOLE) {
            return output.number(index);
        }
        long bits = output.whole(index);
        return output.datatype() == Datatype.UINT64 && bits < 0
                ? new BigInteger(Long.toUnsignedString(bits))
                : number(BigInteger.valueOf(bits));
    }

    private static Object number(BigInteger whole) {
        return whole.abs().compareTo(BigInteger.valueOf(EXACT)) < 0 ? (Object) whole.doubleValue() : whole;
    }

    private static List<Object> text(Tensor output, int row) {
        if (output.bytesOrNull(row) == null || output.bytes(row).length > MOST_BYTES) {
            return List.of();
        }
        return output.utf8(row)
                .filter(text -> text.length() <= LONGEST_TEXT)
                .<List<Object>>map(List::of)
                .orElse(List.of());
    }

    /**
     * The values as they come out of JSON, in which a number that is not finite is written as a text. A class of such a name becomes
     * that number, whose name it is.
     */
    public static List<Object> read(List<?> values) {
        var read = new ArrayList<Object>(values.size());
        for (Object value : values) {
            read.add(
                    switch (value) {
                        case BigInteger whole -> number(whole);
                        case Long whole -> number(BigInteger.valueOf(whole));
                        case Number number -> number.doubleValue();
                        case String text
                        when text.equals("NaN") || text.equals("Infinity") || text.equals("-Infinity") ->
                            Double.valueOf(text);
                        case String text -> text;
                        case null, default ->
                            throw new IllegalArgumentException("An answer is of numbers or a text, not " + value);
                    });
        }
        return List.copyOf(read);
    }
}
