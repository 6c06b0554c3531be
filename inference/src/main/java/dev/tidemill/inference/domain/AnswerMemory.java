package dev.tidemill.inference.domain;

import dev.tidemill.platform.load.RequestMemory;
import java.util.List;

/**
 * What answers of models take of the memory for all requests ({@link RequestMemory}), counted to the request that a thread works for
 * before memory is filled with them. Small answers are not counted: what they take together is little, and they are most.
 */
public final class AnswerMemory {
    /** Bytes up to which an answer is small. */
    public static final long SMALL = 64 * 1024;

    private static final int NUMBER = 8;
    /** A text with its place in a list, and the characters of a short one. */
    private static final int TEXT = 64;
    /** Of a number in the tree that rows are told as, and as JSON that is made of it. */
    private static final int TOLD = 100;

    private AnswerMemory() {}

    /** Bytes of so many values in a tensor; of texts without the characters of long ones. */
    public static long weight(Datatype datatype, long values) {
        return Math.multiplyExact(values, datatype == Datatype.BYTES ? TEXT : NUMBER);
    }

    /** Bytes of tensors. */
    public static long weight(List<Tensor> tensors) {
        long bytes = 0;
        for (Tensor tensor : tensors) {
            bytes += weight(tensor.datatype(), tensor.size()) + characters(tensor);
        }
        return bytes;
    }

    private static long characters(Tensor tensor) {
        long characters = 0;
        if (tensor.datatype() == Datatype.BYTES) {
            for (int i = 0; i < tensor.size(); i++) {
                characters += tensor.bytes(i).length;
            }
        }
        return characters;
    }

    /** Most bytes of tensors as JSON, but for characters that are escaped. */
    public static long written(List<Tensor> tensors) {
        long bytes = 0;
        for (Tensor tensor : tensors) {
            int each =
                    switch (tensor.datatype()) {
                        case FP64 -> 26;
                        case INT64, UINT64 -> 22;
                        case BOOL, INT8, UINT8, INT16, UINT16 -> 8;
                        case FP16, BF16, FP32, INT32, UINT32 -> 16;
                        case BYTES -> 4;
                    };
            bytes += (long) each * tensor.size() + characters(tensor);
        }
        return bytes;
    }

    /** Bytes of tensors as rows of a tree and the JSON that is made of it, with a name in each row where there are several. */
    public static long told(List<Tensor> tensors) {
        long values = tensors.stream().mapToLong(Tensor::size).sum();
        return values * (tensors.size() > 1 ? 2L * TOLD : TOLD)
                + 3 * tensors.stream().mapToLong(AnswerMemory::characters).sum();
    }

    /**
     * Takes memory that an answer is about to fill, waiting a short while for other requests to give back.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code TOO_LARGE} if the request can never have so much, {@code UNAVAILABLE}
     *     if it is not there in time
     */
    public static void take(long bytes) {
        if (bytes > SMALL) {
            RequestMemory.take(bytes);
        }
    }

    /** Gives back what {@link #take} took, once it is free. */
    public static void give(long bytes) {
        if (bytes > SMALL) {
            RequestMemory.give(bytes);
        }
    }
}
