package dev.tidemill.inference.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
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
    private boolean plain;
    private boolean missing;
    private boolean unsigned;

    /** Reads from the token that opens the list. */
    static TensorData read(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw TidemillException.invalid("data", "'data' must be a list");
        }
        var data = new TensorData();
        int depth = 1;
        while (depth > 0) {
            JsonToken token = parser.nextToken();
            switch (token) {
                case START_ARRAY -> {
                    if (++depth > DEEPEST) {
                        throw TidemillException.invalid("data", "'data' is nested more than " + DEEPEST + " deep");
                    }
                }
                case END_ARRAY -> depth--;
                default -> data.add(parser, token);
            }
        }
        return data;
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
                texts[count] = parser.getText().getBytes(StandardCharsets.UTF_8);
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
        if (datatype == Datatype.BYTES) {
            return Tensor.texts(name, shape, texts(name, contentType));
        }
        boolean strayTruth = truths && (plain || fractions || datatype != Datatype.BOOL);
        if (textCount > 0 || strayTruth) {
            throw mismatch(name, datatype);
        }
        if (datatype.storage() == Datatype.Storage.NUMBER) {
            return Tensor.numbers(name, datatype, shape, Arrays.copyOf(numbers, count));
        }
        if (fractions) {
            throw mismatch(name, datatype);
        }
        if (missing) {
            // There is no whole number that says "missing".
            return Tensor.numbers(name, Datatype.FP64, shape, Arrays.copyOf(numbers, count));
        }
        long[] values = Arrays.copyOf(wholes, count);
        checkRange(name, datatype, values);
        return Tensor.wholes(name, datatype, shape, values);
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
