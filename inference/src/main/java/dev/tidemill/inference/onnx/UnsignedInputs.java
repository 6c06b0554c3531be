package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Value;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * ONNX Runtime's Java interface cannot pass unsigned whole numbers of 16, 32 and 64 bits in. A graph that takes them gets an input of
 * another name and of signed numbers that hold the same values (of 64 bits the same bits), and a {@code Cast} that makes the original
 * one of it; all that follows in the graph stays as it is. Field numbers are those of ONNX's published {@code onnx.proto}.
 */
final class UnsignedInputs {
    private static final String BEFORE = "tidemill/";
    private static final int GRAPH = 7;
    private static final int NODE = 1;
    private static final int INPUT = 11;
    private static final int WHOLE_ATTRIBUTE = 2;

    private UnsignedInputs() {}

    /** ONNX's numbers of the types. */
    private static Optional<Datatype> unsigned(int elementType) {
        return switch (elementType) {
            case 4 -> Optional.of(Datatype.UINT16);
            case 12 -> Optional.of(Datatype.UINT32);
            case 13 -> Optional.of(Datatype.UINT64);
            default -> Optional.empty();
        };
    }

    /** The signed datatype that carries an unsigned one. */
    private static Datatype carrier(Datatype unsigned) {
        return unsigned == Datatype.UINT16 ? Datatype.INT32 : Datatype.INT64;
    }

    private static int elementType(Datatype carrier) {
        return carrier == Datatype.INT32 ? 6 : 7;
    }

    /** The unsigned inputs of a graph by name. */
    static Map<String, Datatype> of(OnnxGraph graph) {
        Map<String, Datatype> found = new HashMap<>();
        for (Value input : graph.inputs()) {
            unsigned(input.elementType()).ifPresent(datatype -> found.put(input.name(), datatype));
        }
        return found;
    }

    /** The name of an input as a client knows it. */
    static String told(String fed) {
        return fed.startsWith(BEFORE) ? fed.substring(BEFORE.length()) : fed;
    }

    /**
     * The model with its unsigned inputs replaced.
     *
     * @param unsigned what {@link #of} found
     */
    static byte[] replaced(byte[] model, Map<String, Datatype> unsigned) {
        try {
            var bytes = new ByteArrayOutputStream(model.length + 256);
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            CodedInputStream in = CodedInputStream.newInstance(model);
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) == GRAPH) {
                    out.writeBytes(GRAPH, graph(in.readBytes(), unsigned));
                } else {
                    in.skipField(tag, out);
                }
            }
            out.flush();
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteString graph(ByteString graph, Map<String, Datatype> unsigned) throws IOException {
        var bytes = ByteString.newOutput(graph.size() + 256);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        // Nodes are computed in their order, so these come first.
        for (Map.Entry<String, Datatype> one : unsigned.entrySet()) {
            out.writeBytes(NODE, cast(one.getKey(), one.getValue()));
        }
        CodedInputStream in = graph.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == INPUT) {
                out.writeBytes(INPUT, input(in.readBytes(), unsigned));
            } else {
                in.skipField(tag, out);
            }
        }
        out.flush();
        return bytes.toByteString();
    }

    private static ByteString cast(String name, Datatype to) throws IOException {
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(1, BEFORE + name);
        out.writeString(2, name);
        out.writeString(4, "Cast");
        var attribute = ByteString.newOutput();
        CodedOutputStream inner = CodedOutputStream.newInstance(attribute);
        inner.writeString(1, "to");
        inner.writeInt64(3, to == Datatype.UINT16 ? 4 : to == Datatype.UINT32 ? 12 : 13);
        inner.writeInt32(20, WHOLE_ATTRIBUTE);
        inner.flush();
        out.writeBytes(5, attribute.toByteString());
        out.flush();
        return bytes.toByteString();
    }

    /** An input under its new name and type, or as it is. */
    private static ByteString input(ByteString value, Map<String, Datatype> unsigned) throws IOException {
        String name = "";
        CodedInputStream first = value.newCodedInput();
        for (int tag = first.readTag(); tag != 0; tag = first.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1) {
                name = first.readStringRequireUtf8();
            } else {
                first.skipField(tag);
            }
        }
        Datatype datatype = unsigned.get(name);
        if (datatype == null) {
            return value;
        }
        var bytes = ByteString.newOutput(value.size() + BEFORE.length());
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(1, BEFORE + name);
        CodedInputStream in = value.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> in.skipField(tag);
                case 2 -> out.writeBytes(2, type(in.readBytes(), elementType(carrier(datatype))));
                default -> in.skipField(tag, out);
            }
        }
        out.flush();
        return bytes.toByteString();
    }

    /** A type whose tensor holds elements of another type; its shape stays. */
    private static ByteString type(ByteString type, int elementType) throws IOException {
        var bytes = ByteString.newOutput(type.size());
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        CodedInputStream in = type.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != 1) {
                in.skipField(tag, out);
                continue;
            }
            var tensor = ByteString.newOutput();
            CodedOutputStream inner = CodedOutputStream.newInstance(tensor);
            inner.writeInt32(1, elementType);
            CodedInputStream old = in.readBytes().newCodedInput();
            for (int field = old.readTag(); field != 0; field = old.readTag()) {
                if (WireFormat.getTagFieldNumber(field) == 1) {
                    old.skipField(field);
                } else {
                    old.skipField(field, inner);
                }
            }
            inner.flush();
            out.writeBytes(1, tensor.toByteString());
        }
        out.flush();
        return bytes.toByteString();
    }
}
