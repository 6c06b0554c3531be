package dev.tidemill.wires.oip;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.WireText;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The {@code data} of one tensor as it is read from JSON, flat or nested. What it is said to be may come after it, so it is
 * judged at the end. Whole numbers keep all of their 64 bits.
 */
final class TensorData {
    private static final int DEEPEST = 16;
    private static final BigInteger MOST_UNSIGNED = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);

    private double[] numbers = new double[8];
    private long[] wholes = new long[8];
    private byte[] @Nullable [] texts = new byte[0][];
    private int count;
    private int textCount;
    private boolean fractions;
    private boolean truths;
    private int beyond;
    private boolean plain;
    private boolean missing;
    private boolean unsigned;
    /** By how deep they are nested: how long the lists are that have ended, and how much was found in the one that has not. */
    private final int[] sizes = new int[DEEPEST + 1];

    private final int[] found = new int[DEEPEST + 1];
    private int deepest;
    private int valueDepth;
    private boolean ragged;

    private TensorData() {
        Arrays.fill(sizes, -1);
    }

    /** Reads from the token that opens the list. */
    static TensorData read(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw TidemillException.invalid("data", "'data' must be a list");
        }
        var data = new TensorData();
        int depth = 1;
        while (depth > 0) {
            JsonToken token = parser.nextToken();
            if (token != JsonToken.END_ARRAY) {
                data.found[depth]++;
            }
            switch (token) {
                case START_ARRAY -> {
                    if (++depth > DEEPEST) {
                        throw TidemillException.invalid("data", "'data' is nested more than " + DEEPEST + " deep");
                    }
                    data.found[depth] = 0;
                }
                case END_ARRAY -> data.closed(depth--);
                default -> data.valued(parser, token, depth);
            }
        }
        return data;
    }

    /** Notes the end of a list, which must be as long as the others that are nested as deep. */
    private void closed(int depth) {
        ragged |= sizes[depth] >= 0 && sizes[depth] != found[depth];
        sizes[depth] = found[depth];
        deepest = Math.max(deepest, depth);
    }

    private void valued(JsonParser parser, JsonToken token, int depth) throws IOException {
        ragged |= valueDepth > 0 && valueDepth != depth;
        valueDepth = depth;
        add(parser, token);
    }

    /** Values that are nested must be nested as the shape says, but for dimensions of one. */
    private void checkNesting(String name, long[] shape) {
        if (deepest <= 1 && !ragged) {
            return;
        }
        long[] nested = IntStream.rangeClosed(1, deepest)
                .mapToLong(depth -> sizes[depth])
                .toArray();
        boolean apart = valueDepth > 0 && valueDepth != deepest;
        if (ragged || apart) {
            throw TidemillException.invalid(
                    "data", "The lists in 'data' of tensor '" + name + "' are not all of the same length");
        }
        if (!Arrays.equals(wide(nested), wide(shape))) {
            throw TidemillException.invalid(
                    "data",
                    "The lists in 'data' of tensor '" + name + "' are nested as " + Arrays.toString(nested)
                            + "; its shape is " + Arrays.toString(shape));
        }
    }

    private static long[] wide(long[] shape) {
        return Arrays.stream(shape).filter(size -> size != 1).toArray();
    }

    private void add(JsonParser parser, JsonToken token) throws IOException {
        if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * count);
            wholes = Arrays.copyOf(wholes, 2 * count);
        }
        switch (token) {
            case VALUE_NUMBER_INT -> whole(parser);
            case VALUE_NUMBER_FLOAT -> {
                fractions = true;
                numbers[count] = parser.getDoubleValue();
                beyond += Double.isInfinite(numbers[count]) && !parser.isNaN() ? 1 : 0;
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                truths = true;
                wholes[count] = token == JsonToken.VALUE_TRUE ? 1 : 0;
                numbers[count] = wholes[count];
            }
            case VALUE_NULL -> {
                missing = true;
                numbers[count] = Double.NaN;
            }
            case VALUE_STRING -> {
                if (texts.length <= count) {
                    texts = Arrays.copyOf(texts, Math.max(8, numbers.length));
                }
                texts[count] = WireText.bytes("data", "A value in 'data'", parser.getText());
                textCount++;
            }
            default ->
                throw TidemillException.invalid("data", "'data' holds an object; only values and lists may be in it");
        }
        count++;
    }

    private void whole(JsonParser parser) throws IOException {
        plain = true;
        if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
            BigInteger big = parser.getBigIntegerValue();
            boolean fits = big.signum() >= 0 && big.compareTo(MOST_UNSIGNED) <= 0;
            unsigned |= fits;
            fractions |= !fits;
            wholes[count] = big.longValue();
            numbers[count] = big.doubleValue();
            return;
        }
        wholes[count] = parser.getLongValue();
        numbers[count] = wholes[count];
    }

    /**
     * The tensor.
     *
     * @param contentType how its texts are to be read, as MLServer's clients say it; empty for as they are
     * @throws TidemillException {@code INVALID_ARGUMENT} naming tensor and datatype if the values do not fit
     */
    Tensor tensor(String name, Datatype datatype, long[] shape, String contentType) {
        if (datatype.onlyBinary()) {
            throw TidemillException.invalid(
                    "datatype", datatype + " of tensor '" + name + "' has no place in JSON; send it in binary form");
        }
        checkNesting(name, shape);
        if (datatype == Datatype.BYTES) {
            return Tensor.texts(name, shape, texts(name, contentType));
        }
        boolean strayTruth = truths && (plain || fractions || datatype != Datatype.BOOL);
        if (textCount > 0 || strayTruth) {
            throw mismatch(name, datatype);
        }
        if (datatype.storage() == Datatype.Storage.NUMBER) {
            checkFinite(name, datatype);
            return Tensor.numbers(name, datatype, shape, Arrays.copyOf(numbers, count));
        }
        if (fractions) {
            throw mismatch(name, datatype);
        }
        if (missing) {
            // There is no whole number that says "missing".
            checkExact(name);
            double[] values = Arrays.copyOf(numbers, count);
            return datatype == Datatype.BOOL
                    ? Tensor.truths(name, shape, values)
                    : Tensor.numbers(name, Datatype.FP64, shape, values);
        }
        long[] values = Arrays.copyOf(wholes, count);
        checkRange(name, datatype, values);
        return Tensor.wholes(name, datatype, shape, values);
    }

    /** A number must not become an infinity that nobody wrote. */
    private void checkFinite(String name, Datatype datatype) {
        for (int i = 0; i < count; i++) {
            if (beyond > 0
                    || datatype == Datatype.FP32
                            && Double.isFinite(numbers[i])
                            && Float.isInfinite((float) numbers[i])) {
                throw TidemillException.invalid(
                        "data", "A value of tensor '" + name + "' is beyond every " + datatype + ": value " + i);
            }
        }
    }

    /** Whole numbers that are passed as {@code FP64} must be what they were. */
    private void checkExact(String name) {
        for (int i = 0; i < count; i++) {
            boolean changed =
                    !Double.isNaN(numbers[i]) && (Math.abs(numbers[i]) >= 0x1p63 || (long) numbers[i] != wholes[i]);
            if (changed) {
                throw TidemillException.invalid(
                        "data",
                        "Value " + i + " of tensor '" + name + "' is " + (unsigned ? numbers[i] : wholes[i])
                                + ", which would be changed beside missing values, as FP64");
            }
        }
    }

    private void checkRange(String name, Datatype datatype, long[] values) {
        if (unsigned && datatype != Datatype.UINT64) {
            throw mismatch(name, datatype);
        }
        int bits = 8 * datatype.width();
        for (int i = 0; i < values.length; i++) {
            boolean fits =
                    switch (datatype) {
                        case BOOL -> values[i] == 0 || values[i] == 1;
                        case UINT8, UINT16, UINT32 -> values[i] >>> bits == 0;
                        case UINT64 -> values[i] >= 0 || numbers[i] >= 0;
                        case INT64 -> true;
                        default -> values[i] >= -1L << bits - 1 && values[i] < 1L << bits - 1;
                    };
            if (!fits) {
                throw TidemillException.invalid(
                        "data", values[i] + " in tensor '" + name + "' does not fit " + datatype);
            }
        }
    }

    private byte[] @Nullable [] texts(String name, String contentType) {
        if (plain || fractions || truths) {
            throw mismatch(name, Datatype.BYTES);
        }
        byte[] @Nullable [] values = Arrays.copyOf(texts, count);
        if (contentType.equals("base64")) {
            for (int i = 0; i < values.length; i++) {
                byte[] text = values[i];
                try {
                    values[i] = text == null ? null : Base64.getDecoder().decode(text);
                } catch (IllegalArgumentException e) {
                    throw TidemillException.invalid("data", "Value " + i + " of tensor '" + name + "' is not Base64");
                }
            }
        }
        return values;
    }

    private static TidemillException mismatch(String name, Datatype datatype) {
        return TidemillException.invalid("data", "Tensor '" + name + "' is " + datatype + ", but holds something else");
    }
}
