package dev.tidemill.trees;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Whether each name of a model stands for one thing. ONNX has a value of a graph or function made once (static single assignment), an
 * attribute of a node given once, and a constant of one attribute; where a model breaks this, ONNX Runtime takes the last, the first,
 * or the one of the right type, depending on what it is. So such a model is refused, nested graphs and functions included. Asked after
 * {@link OnnxMessages}, which bounds how deep graphs are nested. Field numbers are those of ONNX's published {@code onnx.proto}.
 */
final class OnnxNames {
    /** The type of a constant's one attribute by its name. ONNX Runtime goes by the type, in whichever domain the node is. */
    private static final Map<String, Integer> CONSTANTS = Map.of(
            "value", 4,
            "sparse_value", 11,
            "value_float", 1,
            "value_floats", 6,
            "value_int", 2,
            "value_ints", 7,
            "value_string", 3,
            "value_strings", 8);

    /** Names of values that are made by now. */
    private final Set<ByteString> made = new HashSet<>();

    private OnnxNames() {}

    /** @throws UnsupportedModelException with the name that is given twice */
    static void check(byte[] model) throws IOException {
        CodedInputStream in = reader(UnsafeByteOperations.unsafeWrap(model));
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 7 -> graph(in.readBytes());
                case 25 -> function(in.readBytes());
                default -> in.skipField(tag);
            }
        }
    }

    private static CodedInputStream reader(ByteString message) {
        CodedInputStream in = message.newCodedInput();
        in.enableAliasing(true);
        return in;
    }

    private static void graph(ByteString graph) throws IOException {
        var names = new OnnxNames();
        Set<ByteString> inputs = new HashSet<>();
        Set<ByteString> computed = new HashSet<>();
        CodedInputStream in = reader(graph);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> names.node(in.readBytes(), computed);
                case 5 -> names.make(name(in.readBytes(), 8));
                case 11 -> {
                    ByteString input = name(in.readBytes(), 1);
                    if (!inputs.add(input)) {
                        throw twice(input);
                    }
                }
                case 15 -> names.make(sparse(in.readBytes()));
                default -> in.skipField(tag);
            }
        }
        // An input may have a tensor of the graph as its default.
        for (ByteString output : computed) {
            if (inputs.contains(output)) {
                throw twice(output);
            }
        }
    }

    private static void function(ByteString function) throws IOException {
        var names = new OnnxNames();
        CodedInputStream in = reader(function);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 4 -> names.make(in.readBytes());
                case 7 -> names.node(in.readBytes(), new HashSet<>());
                case 11 -> attribute(in.readBytes());
                default -> in.skipField(tag);
            }
        }
    }

    private void make(ByteString name) {
        // An output that is left out has no name.
        if (!name.isEmpty() && !made.add(name)) {
            throw twice(name);
        }
    }

    private static UnsupportedModelException twice(ByteString name) {
        return new UnsupportedModelException("the value '" + name.toStringUtf8()
                + "' is made twice in a graph or function of it; readers take another of the two");
    }

    /** @param computed to which what the node makes is added */
    private void node(ByteString node, Set<ByteString> computed) throws IOException {
        String type = "";
        Map<String, Attribute> attributes = new HashMap<>();
        CodedInputStream in = reader(node);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 2 -> {
                    ByteString output = in.readBytes();
                    make(output);
                    if (!output.isEmpty()) {
                        computed.add(output);
                    }
                }
                case 4 -> type = in.readString();
                case 5 -> {
                    Attribute attribute = attribute(in.readBytes());
                    if (attributes.put(attribute.name(), attribute) != null) {
                        throw new UnsupportedModelException(
                                "a node of it has the attribute '" + attribute.name() + "' twice");
                    }
                }
                default -> in.skipField(tag);
            }
        }
        if (type.equals("Constant") && attributes.size() != 1) {
            throw new UnsupportedModelException("a Constant of it has " + attributes.size()
                    + " attributes instead of the one that is its value: " + attributes.keySet());
        }
        for (Attribute attribute : attributes.values()) {
            if (type.equals("Constant") && CONSTANTS.getOrDefault(attribute.name(), 0) != attribute.type()) {
                throw new UnsupportedModelException("the attribute '" + attribute.name()
                        + "' of a Constant of it is of another type (" + attribute.type() + ") than its name says");
            }
        }
    }

    private record Attribute(String name, int type) {}

    private static Attribute attribute(ByteString attribute) throws IOException {
        String name = "";
        int type = 0;
        CodedInputStream in = reader(attribute);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readString();
                case 6, 11 -> graph(in.readBytes());
                case 20 -> type = in.readInt32();
                default -> in.skipField(tag);
            }
        }
        return new Attribute(name, type);
    }

    /** The text in a field of a message; empty if it has none. */
    private static ByteString name(ByteString message, int field) throws IOException {
        ByteString name = ByteString.EMPTY;
        CodedInputStream in = reader(message);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == field) {
                name = in.readBytes();
            } else {
                in.skipField(tag);
            }
        }
        return name;
    }

    /** The name of a sparse tensor is that of the tensor of its values. */
    private static ByteString sparse(ByteString sparse) throws IOException {
        return name(name(sparse, 1), 8);
    }
}
