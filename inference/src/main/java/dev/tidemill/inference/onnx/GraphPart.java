package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Parts of a model as ONNX Runtime reads them, nested graphs and the model's own functions included. Field numbers are those of
 * ONNX's published {@code onnx.proto}.
 */
final class GraphPart {
    static final int INT32 = 6;
    static final int INT64 = 7;

    private static final int EXTERNAL = 1;

    private static final Set<Integer> GRAPHS = Set.of(5, 10);

    private GraphPart() {}

    /** A node; a domain of ONNX's own is empty. */
    record Node(
            String name,
            String type,
            String domain,
            List<String> inputs,
            List<String> outputs,
            List<Attribute> attributes) {
        static Node of(ByteString bytes) throws IOException {
            String name = "";
            String type = "";
            String domain = "";
            List<String> inputs = new ArrayList<>();
            List<String> outputs = new ArrayList<>();
            List<Attribute> attributes = new ArrayList<>();
            CodedInputStream in = bytes.newCodedInput();
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case 1 -> inputs.add(in.readString());
                    case 2 -> outputs.add(in.readString());
                    case 3 -> name = in.readString();
                    case 4 -> type = in.readString();
                    case 5 -> attributes.add(Attribute.of(in.readBytes()));
                    case 7 -> domain = in.readString();
                    default -> in.skipField(tag);
                }
            }
            return new Node(name, type, plain(domain), inputs, outputs, attributes);
        }

        Optional<Attribute> attribute(String wanted) {
            return attributes.stream()
                    .filter(attribute -> attribute.name().equals(wanted))
                    .findFirst();
        }

        /** How it is told to people. */
        String label() {
            return name.isEmpty()
                    ? type + " (making '" + String.join("', '", outputs) + "')"
                    : type + " '" + name + "'";
        }
    }

    static String plain(String domain) {
        return domain.equals("ai.onnx") ? "" : domain;
    }

    /**
     * A setting of a node.
     *
     * @param text its text; empty if it has none
     * @param tensors more than one are merged by readers
     * @param reference whether a function's caller gives its value
     * @param kind ONNX's number of what it says it is; 0 if it does not
     */
    record Attribute(
            String name,
            long whole,
            String text,
            long[] wholes,
            List<String> texts,
            List<ByteString> tensors,
            List<ByteString> graphs,
            boolean reference,
            int kind) {
        /** Whether its value is a graph, or would be one that a function's caller gives. */
        boolean isGraph() {
            return !graphs.isEmpty() || GRAPHS.contains(kind);
        }

        static Attribute of(ByteString bytes) throws IOException {
            String name = "";
            long whole = 0;
            String text = "";
            boolean reference = false;
            int kind = 0;
            LongStream.Builder wholes = LongStream.builder();
            List<String> texts = new ArrayList<>();
            List<ByteString> tensors = new ArrayList<>();
            List<ByteString> graphs = new ArrayList<>();
            CodedInputStream in = bytes.newCodedInput();
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case 1 -> name = in.readString();
                    case 3 -> whole = in.readInt64();
                    case 4 -> text = in.readBytes().toStringUtf8();
                    case 5 -> tensors.add(in.readBytes());
                    case 6, 11 -> graphs.add(in.readBytes());
                    case 8 -> read(in, tag, wholes, true);
                    case 9 -> texts.add(in.readBytes().toStringUtf8());
                    case 20 -> kind = in.readInt32();
                    case 21 -> reference |= !in.readString().isEmpty();
                    default -> in.skipField(tag);
                }
            }
            return new Attribute(name, whole, text, wholes.build().toArray(), texts, tensors, graphs, reference, kind);
        }
    }

    private static void read(CodedInputStream in, int tag, LongStream.Builder into, boolean wide) throws IOException {
        if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            into.add(wide ? in.readInt64() : in.readInt32());
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            into.add(wide ? in.readInt64() : in.readInt32());
        }
        in.popLimit(limit);
    }

    /**
     * A tensor that the model holds.
     *
     * @param wholes its values, if they are signed whole numbers of 32 or 64 bits, in this file and whole; else empty
     * @param filled whether it has any value
     * @param rank how many dimensions it has
     * @param count how many values it has, or more than {@link #MOST}
     */
    record Held(String name, int elementType, Optional<long[]> wholes, boolean filled, int rank, int count) {
        private static final int MOST = 1_000;

        /** How many values a tensor says it has; -1 for none that memory can have. */
        static long values(ByteString bytes) throws IOException {
            LongStream.Builder shape = LongStream.builder();
            CodedInputStream in = bytes.newCodedInput();
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) == 1) {
                    read(in, tag, shape, true);
                } else {
                    in.skipField(tag);
                }
            }
            long count = 1;
            for (long size : shape.build().toArray()) {
                count = size < 0 || size > Integer.MAX_VALUE || count < 0 ? -1 : count * size;
                count = count > Integer.MAX_VALUE ? -1 : count;
            }
            return count;
        }

        static Held of(ByteString bytes) throws IOException {
            String name = "";
            int type = 0;
            long count = 1;
            boolean external = false;
            LongStream.Builder shape = LongStream.builder();
            LongStream.Builder given = LongStream.builder();
            ByteString raw = ByteString.EMPTY;
            CodedInputStream in = bytes.newCodedInput();
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                int number = WireFormat.getTagFieldNumber(tag);
                switch (number) {
                    case 1 -> read(in, tag, shape, true);
                    case 2 -> type = in.readInt32();
                    case 5, 7 -> read(in, tag, given, number == 7);
                    case 8 -> name = in.readString();
                    case 9 -> raw = in.readBytes();
                    case 14 -> external = in.readInt32() == EXTERNAL;
                    default -> in.skipField(tag);
                }
            }
            long[] sizes = shape.build().toArray();
            for (long size : sizes) {
                count = size < 0 || size > MOST ? MOST + 1 : Math.min(MOST + 1, count * size);
            }
            int width = type == INT64 ? Long.BYTES : type == INT32 ? Integer.BYTES : 0;
            if (width > 0 && count <= MOST && raw.size() == count * width) {
                var numbers = raw.asReadOnlyByteBuffer().order(java.nio.ByteOrder.LITTLE_ENDIAN);
                while (numbers.hasRemaining()) {
                    given.add(width == Long.BYTES ? numbers.getLong() : numbers.getInt());
                }
            }
            long[] values = given.build().toArray();
            boolean whole = width > 0 && !external && count <= MOST && values.length == count;
            return new Held(
                    name, type, whole ? Optional.of(values) : Optional.empty(), count > 0, sizes.length, (int) count);
        }
    }

    /**
     * A value with its type.
     *
     * @param elementType ONNX's number of its elements' type; 0 for what is no tensor, or does not say so
     * @param rank how many dimensions it has; -1 if it does not say so
     */
    record Typed(String name, int elementType, int rank) {
        static Typed of(ByteString bytes) throws IOException {
            Typed found = new Typed("", 0, -1);
            CodedInputStream in = bytes.newCodedInput();
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case 1 -> found = new Typed(in.readString(), found.elementType, found.rank);
                    case 2 -> found = type(in.readBytes().newCodedInput(), found);
                    default -> in.skipField(tag);
                }
            }
            return found;
        }

        private static int rank(CodedInputStream in) throws IOException {
            int rank = 0;
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                rank += WireFormat.getTagFieldNumber(tag) == 1 ? 1 : 0;
                in.skipField(tag);
            }
            return rank;
        }

        private static Typed type(CodedInputStream in, Typed before) throws IOException {
            int type = before.elementType;
            int rank = before.rank;
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                int number = WireFormat.getTagFieldNumber(tag);
                if (number == 1) {
                    CodedInputStream tensor = in.readBytes().newCodedInput();
                    for (int inner = tensor.readTag(); inner != 0; inner = tensor.readTag()) {
                        switch (WireFormat.getTagFieldNumber(inner)) {
                            case 1 -> type = tensor.readInt32();
                            case 2 -> rank = rank(tensor.readBytes().newCodedInput());
                            default -> tensor.skipField(inner);
                        }
                    }
                } else {
                    in.skipField(tag);
                }
            }
            return new Typed(before.name, type, rank);
        }
    }
}
