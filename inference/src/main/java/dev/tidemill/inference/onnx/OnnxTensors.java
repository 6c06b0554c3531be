package dev.tidemill.inference.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxMap;
import ai.onnxruntime.OnnxSequence;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Tensors to ONNX Runtime's and back. */
final class OnnxTensors {
    /** Most bytes of an answer. */
    private static final long MOST_BYTES = 512L << 20;
    /** What a text takes at least. */
    private static final int TEXT_BYTES = 24;
    /** Of a map of scores of a few classes. */
    private static final int MAP_BYTES = 1_024;

    private OnnxTensors() {}

    /** The datatype of ONNX Runtime's type; empty for one that has no place in the protocol. */
    static Optional<Datatype> datatype(TensorInfo info) {
        // Its Java type does not tell unsigned from signed.
        return switch (info.onnxType) {
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT -> Optional.of(Datatype.FP32);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE -> Optional.of(Datatype.FP64);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 -> Optional.of(Datatype.INT8);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 -> Optional.of(Datatype.INT16);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 -> Optional.of(Datatype.INT32);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 -> Optional.of(Datatype.INT64);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 -> Optional.of(Datatype.UINT8);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16 -> Optional.of(Datatype.UINT16);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32 -> Optional.of(Datatype.UINT32);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64 -> Optional.of(Datatype.UINT64);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL -> Optional.of(Datatype.BOOL);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING -> Optional.of(Datatype.BYTES);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 -> Optional.of(Datatype.FP16);
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 -> Optional.of(Datatype.BF16);
            default -> Optional.empty();
        };
    }

    private static OnnxJavaType type(Datatype datatype) {
        return switch (datatype) {
            case FP32 -> OnnxJavaType.FLOAT;
            case FP64 -> OnnxJavaType.DOUBLE;
            case INT8 -> OnnxJavaType.INT8;
            case INT16 -> OnnxJavaType.INT16;
            case INT32 -> OnnxJavaType.INT32;
            case INT64 -> OnnxJavaType.INT64;
            case UINT8 -> OnnxJavaType.UINT8;
            case BOOL -> OnnxJavaType.BOOL;
            case FP16 -> OnnxJavaType.FLOAT16;
            case BF16 -> OnnxJavaType.BFLOAT16;
            default -> throw new IllegalArgumentException(datatype.toString());
        };
    }

    /** A buffer outside the heap for so many values, which ONNX Runtime reads and writes where it is. */
    static ByteBuffer buffer(Datatype datatype, long[] shape) {
        long bytes = datatype.width();
        for (long size : shape) {
            bytes = Math.multiplyExact(bytes, size);
        }
        return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
    }

    /** ONNX Runtime's view of a buffer. */
    static OnnxTensor over(OrtEnvironment environment, ByteBuffer buffer, Datatype datatype, long[] shape)
            throws OrtException {
        return OnnxTensor.createTensor(environment, buffer, shape, type(datatype));
    }

    /** Writes values as a datatype that need not be their own. */
    static void fill(ByteBuffer buffer, Tensor tensor, Datatype datatype) {
        buffer.clear();
        RawTensors.write(tensor, datatype, buffer);
        buffer.flip();
    }

    /** Texts pass to ONNX Runtime in Java's modified UTF-8, which has other bytes for some characters. */
    private static String passable(Tensor tensor, int index) {
        String text = tensor.utf8(index)
                .orElseThrow(() -> TidemillException.invalid(
                        "data",
                        "Value " + index + " of tensor '" + tensor.name()
                                + "' holds bytes that are no UTF-8; ONNX's texts are UTF-8"));
        if (text.chars().anyMatch(character -> character == 0 || Character.isSurrogate((char) character))) {
            throw TidemillException.invalid(
                    "data",
                    "Value " + index + " of tensor '" + tensor.name()
                            + "' holds NUL or a character beyond U+FFFF, which cannot be passed to ONNX Runtime unchanged");
        }
        return text;
    }

    static OnnxTensor of(OrtEnvironment environment, Tensor tensor, Datatype datatype, long[] shape)
            throws OrtException {
        if (datatype == Datatype.BYTES) {
            String[] texts = new String[tensor.size()];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = passable(tensor, i);
            }
            return OnnxTensor.createTensor(environment, texts, shape);
        }
        ByteBuffer buffer = buffer(datatype, shape);
        fill(buffer, tensor, datatype);
        return over(environment, buffer, datatype, shape);
    }

    /**
     * Refuses what is too large to be copied, and takes the memory that it will fill, before it is.
     *
     * @return bytes of what is taken that are free once it is read
     * @throws TidemillException {@code INVALID_ARGUMENT} if a call has given more than {@link #MOST_BYTES}; what
     *     {@link AnswerMemory#take} throws
     */
    static long admit(Iterable<Map.Entry<String, OnnxValue>> given) {
        long bytes = 0;
        long copied = 0;
        for (Map.Entry<String, OnnxValue> one : given) {
            if (one.getValue() instanceof OnnxTensor tensor) {
                long width = datatype(tensor.getInfo())
                        .filter(datatype -> datatype != Datatype.BYTES)
                        .map(Datatype::width)
                        .orElse(TEXT_BYTES);
                // It lies in memory, so that its size is one that memory can have.
                long values = tensor.getInfo().getNumElements();
                bytes += width * values;
                // ONNX Runtime's Java interface copies it once, and the tensor is another copy.
                copied += width * values
                        + AnswerMemory.weight(datatype(tensor.getInfo()).orElse(Datatype.BYTES), values);
            } else if (one.getValue() instanceof OnnxSequence sequence) {
                copied += (long) MAP_BYTES * Math.max(0, sequence.getInfo().length);
            }
        }
        if (bytes > MOST_BYTES) {
            throw TidemillException.invalid(
                    "outputs",
                    "The model answers with " + bytes + " bytes; at most " + MOST_BYTES
                            + " are passed on. Ask for fewer rows at a time");
        }
        AnswerMemory.take(copied);
        return bytes;
    }

    /**
     * What ONNX Runtime gave, copied.
     *
     * @throws TidemillException {@code UNSUPPORTED} for what is neither a tensor nor a list of maps of numbers
     */
    static Tensor read(String name, OnnxValue value) throws OrtException {
        if (value instanceof OnnxTensor tensor) {
            Optional<Datatype> datatype = datatype(tensor.getInfo());
            if (datatype.isPresent()) {
                long[] shape = tensor.getInfo().getShape();
                return datatype.get() == Datatype.BYTES
                        ? texts(name, shape, tensor.getValue())
                        : RawTensors.read(name, datatype.get(), shape, tensor.getByteBuffer());
            }
        }
        if (value instanceof OnnxSequence sequence && sequence.getInfo().isSequenceOfMaps()) {
            return maps(name, sequence);
        }
        throw TidemillException.invalid("outputs", "Output '" + name + "' of the model is no tensor");
    }

    private static Tensor texts(String name, long[] shape, Object nested) {
        List<byte[]> texts = new ArrayList<>();
        flatten(nested, texts);
        // Only now it is known how long they are.
        AnswerMemory.take(texts.stream().mapToLong(text -> text.length).sum());
        return Tensor.texts(name, shape, texts.toArray(byte[][]::new));
    }

    private static void flatten(Object nested, List<byte[]> texts) {
        if (nested instanceof Object[] several) {
            for (Object one : several) {
                flatten(one, texts);
            }
        } else {
            texts.add(String.valueOf(nested).getBytes(StandardCharsets.UTF_8));
        }
    }

    /** A map of scores by label for each row, as scikit-learn's converter makes them: a column a label, in their order. */
    private static Tensor maps(String name, OnnxSequence sequence) throws OrtException {
        List<Map<?, ?>> rows = new ArrayList<>();
        for (OnnxValue row : sequence.getValue()) {
            try (row) {
                rows.add(((OnnxMap) row).getValue());
            }
        }
        List<?> labels = rows.isEmpty()
                ? List.of()
                : List.copyOf(new TreeSet<>(rows.getFirst().keySet()));
        double[] values = new double[rows.size() * labels.size()];
        int at = 0;
        for (Map<?, ?> row : rows) {
            for (Object label : labels) {
                values[at++] = row.get(label) instanceof Number number ? number.doubleValue() : Double.NaN;
            }
        }
        return Tensor.numbers(name, Datatype.FP32, new long[] {rows.size(), labels.size()}, values);
    }
}
