package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
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

    interface Change {
        ByteString of(int field, ByteString part) throws IOException;
    }

    /** A message with its messages and texts changed. */
    static ByteString changed(ByteString message, Change change) throws IOException {
        var bytes = ByteString.newOutput(message.size() + 256);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        CodedInputStream in = reader(message);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int number = WireFormat.getTagFieldNumber(tag);
                out.writeBytes(number, change.of(number, in.readBytes()));
            } else {
                in.skipField(tag, out);
            }
        }
        out.flush();
        return bytes.toByteString();
    }

    /** Reads a message without copying what is in it. */
    static CodedInputStream reader(ByteString message) {
        CodedInputStream in = message.newCodedInput();
        in.enableAliasing(true);
        return in;
    }

    /** A node that takes another value at a place, and gives its own under another name, unless that is empty. */
    static ByteString rewired(ByteString node, int place, String input, String output) throws IOException {
        int[] at = new int[1];
        return changed(node, (number, part) -> {
            if (number == 1 && at[0]++ == place) {
                return ByteString.copyFromUtf8(input);
            }
            return number == 2 && !output.isEmpty() ? ByteString.copyFromUtf8(output) : part;
        });
    }

    /** An input of a graph that is one whole number. */
    static ByteString input(String name) throws IOException {
        var tensor = ByteString.newOutput();
        CodedOutputStream inner = CodedOutputStream.newInstance(tensor);
        inner.writeInt32(1, GraphPart.INT64);
        inner.writeBytes(2, ByteString.EMPTY);
        inner.flush();
        var type = ByteString.newOutput();
        CodedOutputStream of = CodedOutputStream.newInstance(type);
        of.writeBytes(1, tensor.toByteString());
        of.flush();
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(1, name);
        out.writeBytes(2, type.toByteString());
        out.flush();
        return bytes.toByteString();
    }

    /** The version of a domain's operators that a model or a function asks for; ONNX's own are of the empty domain. */
    static ByteString opset(long version) throws IOException {
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeInt64(2, version);
        out.flush();
        return bytes.toByteString();
    }

    /** A message with one field more. */
    static ByteString with(ByteString message, int field, ByteString part) throws IOException {
        var bytes = ByteString.newOutput(part.size() + 16);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeBytes(field, part);
        out.flush();
        return message.concat(bytes.toByteString());
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
