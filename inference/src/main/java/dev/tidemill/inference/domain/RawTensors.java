package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The binary form of tensors: little-endian, row-major; a {@code BOOL} is one byte, each of {@code BYTES} is four bytes of
 * length and as many bytes (the protocol's binary tensor data extension).
 */
public final class RawTensors {
    private RawTensors() {}

    /**
     * Reads all of a buffer as one tensor.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it ends in the middle of a value or does not fit the shape
     */
    public static Tensor read(String name, Datatype datatype, long[] shape, ByteBuffer content) {
        ByteBuffer bytes = content.slice().order(ByteOrder.LITTLE_ENDIAN);
        if (datatype == Datatype.BYTES) {
            return Tensor.texts(name, shape, strings(name, bytes));
        }
        int width = datatype.width();
        if (bytes.remaining() % width != 0) {
            throw TidemillException.invalid(
                    "data",
                    "Tensor '" + name + "' has " + bytes.remaining() + " bytes, which is no multiple of " + width);
        }
        int count = bytes.remaining() / width;
        if (datatype.storage() == Datatype.Storage.NUMBER) {
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                values[i] = number(datatype, bytes);
            }
            return Tensor.numbers(name, datatype, shape, values);
        }
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
            values[i] = whole(datatype, bytes);
            if (datatype == Datatype.BOOL && (values[i] & ~1) != 0) {
                throw TidemillException.invalid(
                        "data", "Byte " + values[i] + " in tensor '" + name + "' is no BOOL, which is 0 or 1");
            }
        }
        return Tensor.wholes(name, datatype, shape, values);
    }

    private static double number(Datatype datatype, ByteBuffer bytes) {
        return switch (datatype) {
            case FP16 -> Float.float16ToFloat(bytes.getShort());
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            case FP32 -> bytes.getFloat();
            default -> bytes.getDouble();
        };
    }

    private static long whole(Datatype datatype, ByteBuffer bytes) {
        return switch (datatype) {
            case BOOL, UINT8 -> Byte.toUnsignedLong(bytes.get());
            case INT8 -> bytes.get();
            case INT16 -> bytes.getShort();
            case UINT16 -> Short.toUnsignedLong(bytes.getShort());
            case INT32 -> bytes.getInt();
            case UINT32 -> Integer.toUnsignedLong(bytes.getInt());
            default -> bytes.getLong();
        };
    }

    private static byte[] @Nullable [] strings(String name, ByteBuffer bytes) {
        int count = 0;
        for (int at = 0; at < bytes.limit(); count++) {
            int length = bytes.limit() - at < 4 ? -1 : bytes.getInt(at);
            if (length < 0 || length > bytes.limit() - at - 4) {
                throw TidemillException.invalid(
                        "data", "The strings of tensor '" + name + "' end in the middle of an element");
            }
            at += 4 + length;
        }
        byte[] @Nullable [] values = new byte[count][];
        for (int i = 0; i < count; i++) {
            byte[] text = new byte[bytes.getInt()];
            bytes.get(text);
            values[i] = text;
        }
        return values;
    }

    /** Bytes that a tensor takes, however many. */
    public static long size(Tensor tensor) {
        if (tensor.datatype() != Datatype.BYTES) {
            return (long) tensor.size() * tensor.datatype().width();
        }
        long size = 0;
        for (int i = 0; i < tensor.size(); i++) {
            size += 4 + tensor.bytes(i).length;
        }
        return size;
    }

    /** Bytes that a tensor takes. */
    public static int length(Tensor tensor) {
        if (tensor.datatype() != Datatype.BYTES) {
            return Math.multiplyExact(tensor.size(), tensor.datatype().width());
        }
        int length = 0;
        for (int i = 0; i < tensor.size(); i++) {
            length = Math.addExact(length, 4 + tensor.bytes(i).length);
        }
        return length;
    }

    /** The tensor's values, ready to be read. */
    public static ByteBuffer write(Tensor tensor) {
        ByteBuffer bytes = ByteBuffer.allocate(length(tensor)).order(ByteOrder.LITTLE_ENDIAN);
        write(tensor, tensor.datatype(), bytes);
        return bytes.flip();
    }

    /**
     * Puts the tensor's values into a little-endian buffer, from where it stands.
     *
     * @param as the datatype to write, which need not be the tensor's own
     */
    public static void write(Tensor tensor, Datatype as, ByteBuffer bytes) {
        for (int i = 0; i < tensor.size(); i++) {
            switch (as) {
                case BOOL, INT8, UINT8 -> bytes.put((byte) tensor.whole(i));
                case INT16, UINT16 -> bytes.putShort((short) tensor.whole(i));
                case INT32, UINT32 -> bytes.putInt((int) tensor.whole(i));
                case INT64, UINT64 -> bytes.putLong(tensor.whole(i));
                case FP16 -> bytes.putShort(Float.floatToFloat16((float) tensor.number(i)));
                case BF16 -> bytes.putShort(bfloat((float) tensor.number(i)));
                case FP32 -> bytes.putFloat((float) tensor.number(i));
                case FP64 -> bytes.putDouble(tensor.number(i));
                case BYTES -> bytes.putInt(tensor.bytes(i).length).put(tensor.bytes(i));
            }
        }
    }

    /** Rounds to the nearest, ties to even; NaN stays NaN. */
    static short bfloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
