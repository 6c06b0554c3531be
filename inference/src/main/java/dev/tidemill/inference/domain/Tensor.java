package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor, whatever wire it came over. Values are flat and row-major; the first dimension counts rows, where there are any. A
 * tensor without dimensions is a single value. Immutable by
 * agreement: arrays that are handed over are not changed any more. Thread-safe.
 */
public final class Tensor {
    private static final byte[] NOTHING = {};

    private final String name;
    private final Datatype datatype;
    private final long[] shape;
    private final double[] numbers;
    private final long[] wholes;
    private final byte[] @Nullable [] texts;
    private final Writing writing;
    private final @Nullable Place place;

    /** Whether values came as text that a person or a text format wrote, which may stand for a number, a truth or bytes. */
    enum Writing {
        /** No: they are what they are. */
        NONE,
        /** Each is a text; where the tensor is one of numbers, these are what the texts say. */
        TEXTS,
        /** Some are texts, some are not. */
        MIXED,
        /** Each is a truth or missing; truths are told by the numbers 0 and 1. */
        TRUTHS,
        /** Some are truths, told by numbers, since others are numbers. */
        TRUTHS_AND_NUMBERS,
        /** Some are numbers with a fraction that no double of their size has, and so look whole though they are not. */
        FRACTIONS,
        /** Nothing is written: each is missing, which a value of any datatype may be. */
        MISSING,
        /** Each is a JSON document that a model answered: what has no datatype of the protocol travels so. */
        JSON,
        /** Each is missing or bytes that a model answered as such, be they a text or not. */
        BINARY
    }

    private Tensor(
            String name, Datatype datatype, long[] shape, double[] numbers, long[] wholes, byte[] @Nullable [] texts) {
        this(name, datatype, shape, numbers, wholes, texts, Writing.NONE);
    }

    /** @param texts the values, or what was written where they are others */
    Tensor(
            String name,
            Datatype datatype,
            long[] shape,
            double[] numbers,
            long[] wholes,
            byte[] @Nullable [] texts,
            Writing writing) {
        this(name, datatype, shape, numbers, wholes, texts, writing, null);
    }

    private Tensor(
            String name,
            Datatype datatype,
            long[] shape,
            double[] numbers,
            long[] wholes,
            byte[] @Nullable [] texts,
            Writing writing,
            @Nullable Place place) {
        this.writing = writing;
        this.place = place;
        this.name = name;
        this.datatype = datatype;
        this.shape = shape;
        this.numbers = numbers;
        this.wholes = wholes;
        this.texts = texts;
        check();
    }

    /** A tensor of floating-point numbers; NaN is a missing value. */
    public static Tensor numbers(String name, Datatype datatype, long[] shape, double[] values) {
        return new Tensor(name, datatype, shape, values, new long[0], new byte[0][]);
    }

    /** A tensor of truths some of which are missing, as 0, 1 and NaN: there is no {@code BOOL} that says "missing". */
    public static Tensor truths(String name, long[] shape, double[] values) {
        return new Tensor(name, Datatype.FP64, shape, values, new long[0], new byte[0][], Writing.TRUTHS);
    }

    /** A tensor of whole numbers, or of 0 and 1 for {@code BOOL}. */
    public static Tensor wholes(String name, Datatype datatype, long[] shape, long[] values) {
        return new Tensor(name, datatype, shape, new double[0], values, new byte[0][]);
    }

    /** A tensor of byte strings; null is a missing value. */
    public static Tensor texts(String name, long[] shape, byte[] @Nullable [] values) {
        return new Tensor(name, Datatype.BYTES, shape, new double[0], new long[0], values);
    }

    private void check() {
        if (name.isEmpty()) {
            throw TidemillException.invalid("inputs", "A tensor has no name");
        }
        WireText.check("inputs", "The name of a tensor", name);
        if (shape.length > 16) {
            throw TidemillException.invalid(
                    "shape", "Tensor '" + name + "' has " + shape.length + " dimensions; it must have 16 at most");
        }
        long elements = 1;
        for (long size : shape) {
            if (size < 0) {
                throw TidemillException.invalid(
                        "shape", "Tensor '" + name + "' has shape " + Arrays.toString(shape) + "; no size is negative");
            }
            // Saturates: a product beyond every array never equals a count of values.
            elements = size != 0 && elements > Integer.MAX_VALUE / size ? Integer.MAX_VALUE : elements * size;
        }
        if (elements != size()) {
            throw TidemillException.invalid(
                    "data",
                    "Tensor '" + name + "' has " + size() + " values; its shape " + Arrays.toString(shape)
                            + " says otherwise");
        }
    }

    public String name() {
        return name;
    }

    public Datatype datatype() {
        return datatype;
    }

    public long[] shape() {
        return shape.clone();
    }

    /** How many values there are. */
    public int size() {
        return switch (datatype.storage()) {
            case NUMBER -> numbers.length;
            case WHOLE -> wholes.length;
            case BYTES -> texts().length;
        };
    }

    /** The values themselves, which nobody changes; empty where the datatype has others. */
    double[] numbers() {
        return numbers;
    }

    /** The values themselves, which nobody changes; empty where the datatype has others. */
    long[] wholes() {
        return wholes;
    }

    /** The values themselves, or what was written where they are others; nobody changes them. */
    byte[] @Nullable [] texts() {
        return texts == null ? new byte[0][] : texts;
    }

    /** Whether it has the same datatype, shape and values, to the bit; names do not matter, nor which value says that it is no number. */
    public boolean isSame(Tensor other) {
        return datatype == other.datatype
                && Arrays.equals(shape, other.shape)
                && Arrays.equals(numbers, other.numbers)
                && Arrays.equals(wholes, other.wholes)
                && (datatype != Datatype.BYTES || Arrays.deepEquals(texts, other.texts));
    }

    /** Size of the first dimension; 1 for a single value without dimensions. */
    public int rows() {
        return shape.length == 0 ? 1 : (int) shape[0];
    }

    /** Whether its first dimension is of that size. */
    public boolean hasRows(int rows) {
        return shape.length > 0 && shape[0] == rows;
    }

    /** Whether the first dimensions of all count the same rows. */
    static boolean haveRows(List<Tensor> tensors) {
        int rows = tensors.isEmpty() ? 0 : tensors.getFirst().rows();
        return tensors.stream().allMatch(tensor -> tensor.hasRows(rows));
    }

    /** Values in one row. */
    public int width() {
        long width = 1;
        for (int i = 1; i < shape.length; i++) {
            width *= shape[i];
        }
        return (int) width;
    }

    /** Whether it holds one value a row. */
    public boolean isColumn() {
        return shape.length == 1 || width() == 1;
    }

    /** A value as a number; NaN for a byte string. */
    public double number(int index) {
        return switch (datatype.storage()) {
            case NUMBER -> numbers[index];
            case WHOLE -> datatype == Datatype.UINT64 ? unsigned(wholes[index]) : wholes[index];
            case BYTES -> Double.NaN;
        };
    }

    private static double unsigned(long bits) {
        return bits >= 0 ? bits : (bits >>> 1 | bits & 1) * 2.0;
    }

    /** A value as bits of a whole number; a floating-point number is cut off. */
    public long whole(int index) {
        return datatype.storage() == Datatype.Storage.WHOLE ? wholes[index] : (long) number(index);
    }

    /** Bytes of a {@code BYTES} value; nothing for a missing one. */
    public byte[] bytes(int index) {
        byte[] value = texts()[index];
        return value == null ? NOTHING : value;
    }

    /** Bytes of a {@code BYTES} value; null for a missing one. */
    byte @Nullable [] bytesOrNull(int index) {
        return texts()[index];
    }

    /** The text of a {@code BYTES} value; empty if its bytes are no UTF-8. A missing one is an empty text. */
    public Optional<String> utf8(int index) {
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(index)))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** Text of a value; null for a missing one. */
    public @Nullable String text(int index) {
        if (datatype == Datatype.BYTES) {
            byte[] value = texts()[index];
            return value == null ? null : new String(value, StandardCharsets.UTF_8);
        }
        Object value = value(index);
        return value == null ? null : value.toString();
    }

    /** A value as people read it: number, text or truth; null for a missing one. */
    public @Nullable Object value(int index) {
        return switch (datatype) {
            case BYTES -> text(index);
            case BOOL -> wholes[index] != 0;
            case UINT64 ->
                wholes[index] >= 0 ? (Object) wholes[index] : new BigInteger(Long.toUnsignedString(wholes[index]));
            case FP16, BF16, FP32, FP64 ->
                Double.isNaN(numbers[index])
                        ? null
                        : writing == Writing.TRUTHS ? (Object) (numbers[index] != 0) : numbers[index];
            default -> wholes[index];
        };
    }

    /** The same values under another name and shape of as many values. */
    public Tensor as(String otherName, long... otherShape) {
        return new Tensor(otherName, datatype, otherShape, numbers, wholes, texts, writing);
    }

    /** How its values were written. */
    Writing writing() {
        return writing;
    }

    /** Whether there are truths among its values. */
    boolean hasTruths() {
        return datatype == Datatype.BOOL || writing == Writing.TRUTHS || writing == Writing.TRUTHS_AND_NUMBERS;
    }

    /** A value as it was written, where it was; null for a missing one. */
    @Nullable
    String written(int index) {
        byte[] value = texts()[index];
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    /** The same values, as texts have said them: each is kept as it was written. */
    Tensor said(byte[] @Nullable [] writtenTexts) {
        return new Tensor(name, datatype, shape, numbers, wholes, writtenTexts, Writing.TEXTS);
    }

    /** The same texts, each a JSON document: what has no datatype of the protocol travels so. */
    public Tensor asJson() {
        return new Tensor(name, datatype, shape, numbers, wholes, texts, Writing.JSON);
    }

    /** The same values, each of them bytes in the model's own language, be they a text or not. */
    public Tensor asBinary() {
        return new Tensor(name, datatype, shape, numbers, wholes, texts, Writing.BINARY);
    }

    /** The same, which was part of something. */
    public Tensor placed(Place where) {
        return new Tensor(name, datatype, shape, numbers, wholes, texts, writing, where);
    }

    /** What it was part of; empty where nobody told, and of some of its rows, or of it beside others. */
    public Optional<Place> place() {
        return Optional.ofNullable(place);
    }

    /** Whether its texts are JSON documents. */
    public boolean isJson() {
        return writing == Writing.JSON;
    }

    /** Whether a model answered its values as bytes rather than as texts. */
    public boolean isBinary() {
        return writing == Writing.BINARY;
    }

    /** The same texts, some of them missing. */
    public Tensor without(int[] indexes) {
        byte[] @Nullable [] some = texts().clone();
        for (int index : indexes) {
            some[index] = null;
        }
        return texts(name, shape, some).like(this);
    }

    /** The same values, said to be written as those of another are: JSON, bytes, or truths that numbers stand for. */
    Tensor like(Tensor other) {
        return switch (other.writing) {
            case JSON, BINARY, TRUTHS, TRUTHS_AND_NUMBERS ->
                new Tensor(name, datatype, shape, numbers, wholes, texts, other.writing);
            default -> this;
        };
    }

    /** The tensor of that name. */
    public static Optional<Tensor> named(List<Tensor> tensors, String name) {
        for (Tensor tensor : tensors) {
            if (tensor.name().equals(name)) {
                return Optional.of(tensor);
            }
        }
        return Optional.empty();
    }
}
