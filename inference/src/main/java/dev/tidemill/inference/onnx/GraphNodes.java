package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;

/** Writes nodes of ONNX's own operators, as {@code onnx.proto} numbers their fields. */
final class GraphNodes {
    private GraphNodes() {}

    /** A node with one output. */
    static ByteString made(String type, String output, String... inputs) throws IOException {
        return named(type, "", output, inputs);
    }

    /** As {@link #made}, of a name that its failure is told with. */
    static ByteString named(String type, String name, String output, String... inputs) throws IOException {
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        for (String input : inputs) {
            out.writeString(1, input);
        }
        out.writeString(2, output);
        out.writeString(3, name);
        out.writeString(4, type);
        out.flush();
        return bytes.toByteString();
    }

    /** A constant whole number, or a list of it alone. */
    static ByteString whole(String output, long value, boolean list) throws IOException {
        var tensor = ByteString.newOutput();
        CodedOutputStream held = CodedOutputStream.newInstance(tensor);
        if (list) {
            held.writeInt64(1, 1);
        }
        held.writeInt32(2, GraphPart.INT64);
        held.writeInt64(7, value);
        held.flush();
        var attribute = ByteString.newOutput();
        CodedOutputStream inner = CodedOutputStream.newInstance(attribute);
        inner.writeString(1, "value");
        inner.writeBytes(5, tensor.toByteString());
        inner.writeInt32(20, 4);
        inner.flush();
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(2, output);
        out.writeString(4, "Constant");
        out.writeBytes(5, attribute.toByteString());
        out.flush();
        return bytes.toByteString();
    }
}
