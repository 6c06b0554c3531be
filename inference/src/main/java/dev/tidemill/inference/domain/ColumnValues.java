package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Columns of values as people and text formats write them, each of the datatype that holds them all as they are. Beside numbers, what
 * was written is kept where it may mean more than the number says. Null is a missing value.
 */
public final class ColumnValues {
    private ColumnValues() {}

    /**
     * A column from values as people write them: texts, bytes, truths and numbers, which become {@code FP64} unless all are whole.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a whole number that {@code FP64} would change, beside others that are not
     */
    public static Tensor column(String name, List<? extends @Nullable Object> values) {
        long[] shape = {values.size()};
        if (values.stream().allMatch(value -> value instanceof Boolean)) {
            return Tensor.wholes(
                    name,
                    Datatype.BOOL,
                    shape,
                    values.stream()
                            .mapToLong(value -> Boolean.TRUE.equals(value) ? 1 : 0)
                            .toArray());
        }
        if (values.stream().allMatch(value -> value instanceof Long || value instanceof Integer)) {
            return Tensor.wholes(
                    name,
                    Datatype.INT64,
                    shape,
                    values.stream()
                            .mapToLong(value -> ((Number) value).longValue())
                            .toArray());
        }
        if (values.stream().allMatch(value -> isWhole(value))) {
            List<BigInteger> wholes = values.stream()
                    .map(value -> new BigInteger(String.valueOf(value)))
                    .toList();
            boolean unsigned = wholes.stream().allMatch(value -> value.signum() >= 0);
            boolean fits = wholes.stream().allMatch(value -> value.bitLength() <= Long.SIZE);
            if (unsigned && fits) {
                return Tensor.wholes(
                        name,
                        Datatype.UINT64,
                        shape,
                        wholes.stream().mapToLong(BigInteger::longValue).toArray());
            }
        }
        boolean numbers =
                values.stream().allMatch(value -> value == null || value instanceof Number || value instanceof Boolean);
        return numbers ? numbers(name, values) : texts(name, values);
    }

    private static Tensor numbers(String name, List<? extends @Nullable Object> values) {
        boolean truths = values.stream().anyMatch(value -> value instanceof Boolean);
        boolean truthsAlone = values.stream().noneMatch(value -> value instanceof Number);
        boolean fractions = values.stream().anyMatch(value -> value instanceof BigDecimal);
        boolean nothing = values.stream().allMatch(Objects::isNull);
        values.forEach(value -> checkExact(name, value));
        return new Tensor(
                name,
                Datatype.FP64,
                new long[] {values.size()},
                values.stream().mapToDouble(ColumnValues::asNumber).toArray(),
                new long[0],
                new byte[0][],
                nothing
                        ? Tensor.Writing.MISSING
                        : truths
                                ? truthsAlone ? Tensor.Writing.TRUTHS : Tensor.Writing.TRUTHS_AND_NUMBERS
                                : fractions ? Tensor.Writing.FRACTIONS : Tensor.Writing.NONE);
    }

    private static Tensor texts(String name, List<? extends @Nullable Object> values) {
        String whose = "A value of '" + name + "'";
        byte[] @Nullable [] texts = new byte[values.size()][];
        for (int i = 0; i < texts.length; i++) {
            Object value = values.get(i);
            texts[i] = value == null
                    ? null
                    : value instanceof byte[] bytes ? bytes : WireText.bytes("data", whose, value.toString());
        }
        boolean bytes = values.stream().anyMatch(value -> value instanceof byte[]);
        boolean plain = values.stream().allMatch(value -> value == null || value instanceof String);
        return new Tensor(
                name,
                Datatype.BYTES,
                new long[] {values.size()},
                new double[0],
                new long[0],
                texts,
                bytes ? Tensor.Writing.NONE : plain ? Tensor.Writing.TEXTS : Tensor.Writing.MIXED);
    }

    /**
     * A column of values that were all written as text, as in CSV: numbers if each is one, truths if each is {@code True} or {@code
     * False}, else texts. A model that takes another datatype gets what the text says, as it was written.
     *
     * @param values null for a missing one
     */
    public static Tensor written(String name, List<@Nullable String> values) {
        String whose = "A value of '" + name + "'";
        byte[] @Nullable [] texts = new byte[values.size()][];
        for (int i = 0; i < texts.length; i++) {
            String value = values.get(i);
            texts[i] = value == null ? null : WireText.bytes("data", whose, value);
        }
        Tensor read = column(name, WrittenValues.read(values));
        return read.said(texts);
    }

    private static boolean isWhole(@Nullable Object value) {
        return value instanceof Long || value instanceof Integer || value instanceof BigInteger;
    }

    private static void checkExact(String name, @Nullable Object value) {
        boolean changed = value instanceof Number number
                && isWhole(number)
                && (Double.isInfinite(number.doubleValue())
                        || new BigDecimal(number.doubleValue()).compareTo(new BigDecimal(number.toString())) != 0);
        if (changed) {
            throw TidemillException.invalid(
                    "data",
                    "A value of '" + name + "' is " + value
                            + ", which would be changed beside missing values and fractions, as FP64");
        }
    }

    private static double asNumber(@Nullable Object value) {
        return switch (value) {
            case null -> Double.NaN;
            case Number number -> number.doubleValue();
            case Boolean truth -> truth ? 1 : 0;
            default -> Double.NaN;
        };
    }
}
