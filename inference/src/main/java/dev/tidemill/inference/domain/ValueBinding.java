package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes a tensor one of the datatype that a model takes, without changing a value: what does not fit is refused and named. Texts that were
 * written for numbers are read, those of bytes decoded; floating-point numbers are rounded to narrower ones, but never to an infinity.
 */
final class ValueBinding {
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
            if (tensor.writing() == Tensor.Writing.NONE || tensor.isJson()) {
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
        checkFinite(spec, tensor);
        return tensor;
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
            values[i] = text == null || WrittenValues.isMissing(text)
                    ? Double.NaN
                    : WrittenValues.number(text).orElseThrow(() -> misfit(spec, index, text));
        }
        Tensor read = Tensor.numbers(tensor.name(), Datatype.FP64, tensor.shape(), values);
        checkFinite(spec, read);
        return read;
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
            case FP32, BF16 -> (float) value;
            default -> value;
        };
    }

    private static Tensor wholes(TensorSpec spec, Tensor tensor) {
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
            numbers[i] = whole(spec, tensor, i).map(BigInteger::doubleValue).orElse(Double.NaN);
        }
        return Tensor.numbers(tensor.name(), Datatype.FP64, tensor.shape(), numbers);
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
                                ? WrittenValues.whole(new java.math.BigDecimal(number).toPlainString())
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
