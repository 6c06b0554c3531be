package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes ONNX models for tests: nodes, constants, inputs and outputs. Field numbers are those of ONNX's published {@code onnx.proto}. */
public final class OnnxBytes {
    public static final int FLOAT = 1;
    public static final int UINT16 = 4;
    public static final int INT64 = 7;
    public static final int STRING = 8;
    public static final int BOOL = 9;
    public static final int DOUBLE = 11;
    public static final int UINT32 = 12;
    public static final int UINT64 = 13;

    interface Content {
        void write(CodedOutputStream out) throws IOException;
    }

    private final List<ByteString> nodes = new ArrayList<>();
    private final List<ByteString> constants = new ArrayList<>();
    private final List<ByteString> sparse = new ArrayList<>();
    private final List<ByteString> inputs = new ArrayList<>();
    private final List<ByteString> outputs = new ArrayList<>();

    static ByteString message(Content content) {
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            content.write(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteString();
    }

    /**
     * Adds a node.
     *
     * @param type with {@code ml:} before a learned operator, {@code ms:} before one of Microsoft, and {@code nchwc:} before one of its blocked ones
     * @param attributes whole numbers, floats, texts, lists of whole numbers, floats or texts, or another model's graph
     */
    public OnnxBytes node(String type, List<String> given, List<String> made, Map<String, Object> attributes) {
        nodes.add(message(out -> {
            for (String input : given) {
                out.writeString(1, input);
            }
            for (String output : made) {
                out.writeString(2, output);
            }
            int prefix = type.indexOf(':') + 1;
            out.writeString(4, type.substring(prefix));
            for (Map.Entry<String, Object> one : attributes.entrySet()) {
                out.writeBytes(5, attribute(one.getKey(), one.getValue()));
            }
            out.writeString(
                    7,
                    switch (type.substring(0, prefix)) {
                        case "ml:" -> "ai.onnx.ml";
                        case "ms:" -> "com.microsoft";
                        case "nchwc:" -> "com.microsoft.nchwc";
                        default -> "";
                    });
        }));
        return this;
    }

    private static ByteString attribute(String name, Object value) {
        return message(out -> {
            out.writeString(1, name);
            switch (value) {
                case OnnxBytes body -> {
                    out.writeBytes(6, body.graph());
                    out.writeInt32(20, 5);
                }
                case Number whole
                when !(whole instanceof Float) -> {
                    out.writeInt64(3, whole.longValue());
                    out.writeInt32(20, 2);
                }
                case Float number -> {
                    out.writeFloat(2, number);
                    out.writeInt32(20, 1);
                }
                case String text -> {
                    out.writeBytes(4, ByteString.copyFromUtf8(text));
                    out.writeInt32(20, 3);
                }
                case List<?> texts -> {
                    for (Object text : texts) {
                        out.writeBytes(9, ByteString.copyFromUtf8(text.toString()));
                    }
                    out.writeInt32(20, 8);
                }
                case float[] numbers -> {
                    for (float number : numbers) {
                        out.writeFloat(7, number);
                    }
                    out.writeInt32(20, 6);
                }
                case long[] wholes -> {
                    for (long whole : wholes) {
                        out.writeInt64(8, whole);
                    }
                    out.writeInt32(20, 7);
                }
                default -> throw new IllegalArgumentException(value.toString());
            }
        });
    }

    /** Adds a constant of floats. */
    public OnnxBytes floats(String name, long[] shape, float... values) {
        ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            raw.putFloat(value);
        }
        return constant(name, FLOAT, shape, raw.flip());
    }

    /** Adds a constant that is true. */
    public OnnxBytes truth(String name) {
        return constant(name, BOOL, new long[0], ByteBuffer.wrap(new byte[] {1}));
    }

    /** Adds a constant whole number without dimensions. */
    public OnnxBytes whole(String name, long value) {
        return constant(
                name,
                INT64,
                new long[0],
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .flip());
    }

    /** Adds a constant list of whole numbers. */
    public OnnxBytes wholes(String name, long... values) {
        ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            raw.putLong(value);
        }
        return constant(name, INT64, new long[] {values.length}, raw.flip());
    }

    /** Adds a sparse list of floats with one value. */
    public OnnxBytes sparse(String name, long size, long index, float value) {
        ByteString values = tensor(
                name,
                FLOAT,
                new long[] {1},
                ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putFloat(value)
                        .flip());
        ByteString indices = tensor(
                "",
                INT64,
                new long[] {1},
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(index)
                        .flip());
        sparse.add(message(out -> {
            out.writeBytes(1, values);
            out.writeBytes(2, indices);
            out.writeInt64(3, size);
        }));
        return this;
    }

    private OnnxBytes constant(String name, int type, long[] shape, ByteBuffer raw) {
        constants.add(tensor(name, type, shape, raw));
        return this;
    }

    private static ByteString tensor(String name, int type, long[] shape, ByteBuffer raw) {
        return message(out -> {
            for (long size : shape) {
                out.writeInt64(1, size);
            }
            out.writeInt32(2, type);
            out.writeString(8, name);
            out.writeBytes(9, ByteString.copyFrom(raw));
        });
    }

    /** Adds an input; a dimension is a size or a name. */
    public OnnxBytes input(String name, int type, Object... shape) {
        inputs.add(value(name, type, shape));
        return this;
    }

    /** Adds an output; a dimension is a size or a name. */
    public OnnxBytes output(String name, int type, Object... shape) {
        outputs.add(value(name, type, shape));
        return this;
    }

    private static ByteString value(String name, int type, Object... shape) {
        ByteString dimensions = message(out -> {
            for (Object size : shape) {
                out.writeBytes(1, message(one -> {
                    if (size instanceof String symbol) {
                        one.writeString(2, symbol);
                    } else {
                        one.writeInt64(1, ((Number) size).longValue());
                    }
                }));
            }
        });
        ByteString tensor = message(out -> {
            out.writeInt32(1, type);
            out.writeBytes(2, dimensions);
        });
        return message(out -> {
            out.writeString(1, name);
            out.writeBytes(2, message(one -> one.writeBytes(1, tensor)));
        });
    }

    /** The model, for versions 17 of ONNX's operators, 3 of the learned ones and 1 of those of Microsoft. */
    public byte[] model() {
        ByteString graph = graph();
        return message(out -> {
                    out.writeInt64(1, 8);
                    out.writeBytes(7, graph);
                    out.writeBytes(8, message(one -> one.writeInt64(2, 17)));
                    out.writeBytes(8, message(one -> {
                        one.writeString(1, "ai.onnx.ml");
                        one.writeInt64(2, 3);
                    }));
                    out.writeBytes(8, message(one -> {
                        one.writeString(1, "com.microsoft");
                        one.writeInt64(2, 1);
                    }));
                })
                .toByteArray();
    }

    private ByteString graph() {
        return message(out -> {
            for (ByteString node : nodes) {
                out.writeBytes(1, node);
            }
            out.writeString(2, "test");
            for (ByteString constant : constants) {
                out.writeBytes(5, constant);
            }
            for (ByteString one : sparse) {
                out.writeBytes(15, one);
            }
            for (ByteString input : inputs) {
                out.writeBytes(11, input);
            }
            for (ByteString output : outputs) {
                out.writeBytes(12, output);
            }
        });
    }
}
