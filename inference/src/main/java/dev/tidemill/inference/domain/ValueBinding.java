package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes a tensor one of the datatype that a model takes, without changing a value: what does not fit is refused and named. Texts that were
 * written for numbers are read, those of bytes decoded; floating-point numbers are rounded to narrower ones, but never to an infinity.
 * Whole numbers are never rounded: one beyond what a floating-point datatype counts exactly is another id, or another moment.
 */
final class ValueBinding {
    private static final long LARGEST_FP16 = 65_504;
    /** Digits of whole numbers that every datatype of floating-point numbers but the narrowest holds. */
    private static final int FEW_DIGITS = 2;

    private ValueBinding() {}

    /**
     * The tensor as the model takes it.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the first value that does not fit
     */
    static Tensor fitted(TensorSpec spec, Tensor tensor) {
        if (spec.datatype() == Datatype.BYTES) {
            return bytes(spec, tensor);
        }
        if (spec.strict() && spec.datatype() != Datatype.BOOL && tensor.hasTruths()) {
            throw TidemillException.invalid(
                    "data", "'" + spec.name() + "' holds true or false; the model takes " + spec.datatype());
        }
        if (tensor.datatype() == Datatype.BYTES) {
            if (tensor.writing() == Tensor.Writing.NONE || tensor.isJson() || tensor.isBinary()) {
                throw mismatch(spec, tensor);
            }
            return spec.datatype().storage() == Datatype.Storage.NUMBER ? numbers(spec, tensor) : wholes(spec, tensor);
        }
        if (tensor.datatype() == spec.datatype()) {
            return tensor;
        }
        if (spec.datatype().storage() == Datatype.Storage.WHOLE) {
            return wholes(spec, tensor);
        }
        if (tensor.datatype().storage() == Datatype.Storage.WHOLE) {
            checkExact(spec.name(), spec.datatype(), tensor);
        } else {
            checkFinite(spec, tensor);
        }
        return tensor;
    }

    /**
     * Refuses whole numbers that a floating-point datatype does not hold.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the first
     */
    static void checkExact(String name, Datatype datatype, Tensor tensor) {
        for (int i = 0; i < tensor.size(); i++) {
            long bits = tensor.whole(i);
            boolean negative = bits < 0 && tensor.datatype() != Datatype.UINT64;
            if (!isExact(datatype, negative ? -bits : bits)) {
                throw inexact(name, datatype, i, String.valueOf(tensor.value(i)));
            }
        }
    }

    /** Whether a floating-point datatype holds a whole number as it is; the number is unsigned. */
    private static boolean isExact(Datatype datatype, long magnitude) {
        int significant = Long.SIZE - Long.numberOfLeadingZeros(magnitude) - Long.numberOfTrailingZeros(magnitude);
        return switch (datatype) {
            case FP16 -> significant <= 11 && Long.compareUnsigned(magnitude, LARGEST_FP16) <= 0;
            case BF16 -> significant <= 8;
            case FP32 -> significant <= 24;
            default -> significant <= 53;
        };
    }

    private static TidemillException inexact(String name, Datatype datatype, int index, String value) {
        return TidemillException.invalid(
                        "data",
                        "Value " + index + " of '" + name + "' is " + value + ", which " + datatype
                                + ", as the model takes it, cannot hold without changing it")
                .remedy("Send it as a floating-point number if it may be rounded");
    }

    private static TidemillException mismatch(TensorSpec spec, Tensor tensor) {
        return TidemillException.invalid(
                "datatype",
                "Tensor '" + spec.name() + "' is " + tensor.datatype() + "; the model takes " + spec.datatype());
    }

    private static TidemillException misfit(TensorSpec spec, int index, @Nullable Object value) {
        return TidemillException.invalid(
                "data",
                "Value " + index + " of '" + spec.name() + "' is "
                        + (value == null ? "missing" : value instanceof String ? "'" + value + "'" : value)
                        + ", which is no " + spec.datatype());
    }

    private static Tensor bytes(TensorSpec spec, Tensor tensor) {
        if (tensor.writing() == Tensor.Writing.MISSING) {
            if (!spec.missing() && tensor.size() > 0) {
                throw misfit(spec, 0, null);
            }
            return Tensor.texts(tensor.name(), tensor.shape(), new byte[tensor.size()][]);
        }
        boolean written = tensor.writing() == Tensor.Writing.TEXTS;
        if (tensor.datatype() != Datatype.BYTES && !written) {
            throw mismatch(spec, tensor);
        }
        if (tensor.writing() == Tensor.Writing.MIXED) {
            throw TidemillException.invalid(
                    "data", "'" + spec.name() + "' holds texts and other values; the model takes texts");
        }
        byte[] @Nullable [] values = new byte[tensor.size()][];
        boolean same = tensor.datatype() == Datatype.BYTES;
        for (int i = 0; i < values.length; i++) {
            String text = written ? tensor.written(i) : null;
            byte @Nullable [] plain =
                    !written ? tensor.bytesOrNull(i) : text == null ? null : text.getBytes(StandardCharsets.UTF_8);
            if (plain == null && !spec.missing()) {
                throw misfit(spec, i, null);
            }
            values[i] = plain != null && written && spec.encoded() ? decoded(spec, i, plain) : plain;
        }
        return same && !(written && spec.encoded()) ? tensor : Tensor.texts(tensor.name(), tensor.shape(), values);
    }

    private static byte[] decoded(TensorSpec spec, int index, byte[] text) {
        try {
            // Python's encoder breaks lines.
            return Base64.getDecoder().decode(new String(text, StandardCharsets.UTF_8).replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid(
                    "data", "Value " + index + " of '" + spec.name() + "' is not Base64, as binary values are written");
        }
    }

    private static Tensor numbers(TensorSpec spec, Tensor tensor) {
        double[] values = new double[tensor.size()];
        for (int i = 0; i < values.length; i++) {
            String text = tensor.written(i);
            int index = i;
            if (text == null || WrittenValues.isMissing(text)) {
                values[i] = Double.NaN;
                continue;
            }
            values[i] = WrittenValues.number(text).orElseThrow(() -> misfit(spec, index, text));
            if (text.length() > FEW_DIGITS && isInexactWhole(spec.datatype(), text)) {
                throw inexact(spec.name(), spec.datatype(), i, "'" + text + "'");
            }
        }
        Tensor read = Tensor.numbers(tensor.name(), Datatype.FP64, tensor.shape(), values);
        checkFinite(spec, read);
        return read;
    }

    /** Whether a text is a whole number in digits alone, and one that the datatype does not hold. */
    private static boolean isInexactWhole(Datatype datatype, String text) {
        String digits = text.strip();
        digits = digits.startsWith("-") || digits.startsWith("+") ? digits.substring(1) : digits;
        if (digits.isEmpty() || !digits.chars().allMatch(one -> one >= '0' && one <= '9')) {
            return false;
        }
        var whole = new BigInteger(digits);
        double held = narrowed(datatype, whole.doubleValue());
        return Double.isFinite(held) && new BigDecimal(held).compareTo(new BigDecimal(whole)) != 0;
    }

    /** A number that only the narrower datatype has no room for would become an infinity. */
    private static void checkFinite(TensorSpec spec, Tensor tensor) {
        for (int i = 0; i < tensor.size(); i++) {
            double value = tensor.number(i);
            if (Double.isFinite(value) && !Double.isFinite(narrowed(spec.datatype(), value))) {
                throw misfit(spec, i, value);
            }
        }
    }

    /** A number as a floating-point datatype holds it. */
    static double narrowed(Datatype datatype, double value) {
        return switch (datatype) {
            case FP16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
            case BF16 -> Float.intBitsToFloat(RawTensors.bfloat((float) value) << 16);
            case FP32 -> (float) value;
            default -> value;
        };
    }

    private static Tensor wholes(TensorSpec spec, Tensor tensor) {
        if (tensor.writing() == Tensor.Writing.FRACTIONS) {
            throw TidemillException.invalid(
                    "data", "'" + spec.name() + "' holds a number with a fraction, which is no " + spec.datatype());
        }
        long[] values = new long[tensor.size()];
        boolean missing = false;
        for (int i = 0; i < values.length; i++) {
            Optional<BigInteger> whole = whole(spec, tensor, i);
            missing |= whole.isEmpty();
            values[i] = whole.map(BigInteger::longValue).orElse(0L);
        }
        if (!missing) {
            return Tensor.wholes(tensor.name(), spec.datatype(), tensor.shape(), values);
        }
        // There is no whole number that says "missing".
        double[] numbers = new double[values.length];
        for (int i = 0; i < numbers.length; i++) {
            Optional<BigInteger> whole = whole(spec, tensor, i);
            numbers[i] = whole.map(BigInteger::doubleValue).orElse(Double.NaN);
            if (whole.isPresent()
                    && !spec.rounds()
                    && !isExact(Datatype.FP64, whole.get().abs().longValue())) {
                throw inexact(spec.name(), Datatype.FP64, i, whole.get().toString());
            }
        }
        return spec.datatype() == Datatype.BOOL
                ? Tensor.truths(tensor.name(), tensor.shape(), numbers)
                : Tensor.numbers(tensor.name(), Datatype.FP64, tensor.shape(), numbers);
    }

    /** The whole number at a place; empty for a missing one where one may be missing. */
    private static Optional<BigInteger> whole(TensorSpec spec, Tensor tensor, int index) {
        Object value = tensor.value(index);
        if (tensor.datatype() == Datatype.BYTES) {
            String text = tensor.written(index);
            value = WrittenValues.isMissing(text) ? null : text;
        }
        if (value == null) {
            if (spec.missing()) {
                return Optional.empty();
            }
            throw misfit(spec, index, null);
        }
        Optional<BigInteger> whole =
                switch (value) {
                    case String text
                    when spec.datatype() == Datatype.BOOL ->
                        WrittenValues.truth(text).map(truth -> truth ? BigInteger.ONE : BigInteger.ZERO);
                    case String text -> WrittenValues.whole(text);
                    case Boolean truth -> Optional.of(truth ? BigInteger.ONE : BigInteger.ZERO);
                    case Double number ->
                        number == Math.rint(number) && !Double.isInfinite(number)
                                ? WrittenValues.whole(new BigDecimal(number).toPlainString())
                                : Optional.empty();
                    default -> Optional.of(new BigInteger(value.toString()));
                };
        if (whole.isEmpty() || !fits(spec.datatype(), whole.get())) {
            throw misfit(spec, index, value);
        }
        return whole;
    }

    private static boolean fits(Datatype datatype, BigInteger value) {
        int bits = 8 * datatype.width();
        return switch (datatype) {
            case BOOL -> value.equals(BigInteger.ZERO) || value.equals(BigInteger.ONE);
            case UINT8, UINT16, UINT32, UINT64 -> value.signum() >= 0 && value.bitLength() <= bits;
            default -> value.bitLength() < bits;
        };
    }

    /** A column of nothing but missing values, for what a request leaves out and the model may do without. */
    static Tensor absent(TensorSpec spec, int rows) {
        if (spec.datatype() == Datatype.BYTES) {
            return Tensor.texts(spec.name(), new long[] {rows}, new byte[rows][]);
        }
        double[] values = new double[rows];
        Arrays.fill(values, Double.NaN);
        return Tensor.numbers(spec.name(), Datatype.FP64, new long[] {rows}, values);
    }
}
