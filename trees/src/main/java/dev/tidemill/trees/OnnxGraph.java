package dev.tidemill.trees;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * As much of an ONNX model as tells whether it is nothing but trees: its nodes with their attributes, and the names, types and
 * widths of what goes in and comes out. Field numbers are those of ONNX's published {@code onnx.proto}.
 *
 * @param inputs values that a caller gives, without those that the model holds itself
 * @param heldValues names of the tensors that the model holds
 */
record OnnxGraph(List<Operation> operations, List<Value> inputs, List<Value> outputs, List<String> heldValues) {
    /** ONNX's number of the type of 32-bit floats. */
    static final int FLOAT = 1;

    private static final int BYTE = 2;
    private static final int DOUBLE = 11;

    /**
     * What goes in or comes out.
     *
     * @param elementType ONNX's number of the type; 0 for what is no tensor
     * @param shape its dimensions; -1 for an open one
     */
    record Value(String name, int elementType, List<Long> shape) {}

    /** One node. */
    record Operation(
            String type, String domain, List<String> inputs, List<String> outputs, Map<String, Attribute> attributes) {
        Optional<Attribute> attribute(String name) {
            return Optional.ofNullable(attributes.get(name));
        }

        long whole(String name, long otherwise) {
            return attribute(name).map(Attribute::whole).orElse(otherwise);
        }

        String text(String name, String otherwise) {
            return attribute(name).map(Attribute::text).orElse(otherwise);
        }

        long[] wholes(String name) {
            return attribute(name).map(Attribute::wholes).orElseGet(() -> new long[0]);
        }

        List<String> texts(String name) {
            return attribute(name).map(Attribute::texts).orElse(List.of());
        }

        /** Numbers given as floats, or under the same name with {@code _as_tensor} as doubles. */
        double[] numbers(String name) {
            return attribute(name)
                    .or(() -> attribute(name + "_as_tensor"))
                    .map(Attribute::numbers)
                    .orElseGet(() -> new double[0]);
        }

        boolean has(String name) {
            return attributes.containsKey(name);
        }
    }

    /** A named setting of a node, of whichever kind. */
    record Attribute(String name, long whole, String text, double[] numbers, long[] wholes, List<String> texts) {
        static Attribute ofWhole(String name, long whole) {
            return new Attribute(name, whole, "", new double[0], new long[0], List.of());
        }

        static Attribute ofText(String name, String text) {
            return new Attribute(name, 0, text, new double[0], new long[0], List.of());
        }

        static Attribute ofWholes(String name, List<Long> wholes) {
            long[] plain = wholes.stream().mapToLong(Long::longValue).toArray();
            return new Attribute(name, 0, "", new double[0], plain, List.of());
        }

        static Attribute ofNumbers(String name, List<Double> numbers) {
            double[] plain = numbers.stream().mapToDouble(Double::doubleValue).toArray();
            return new Attribute(name, 0, "", plain, new long[0], List.of());
        }

        static Attribute ofTexts(String name, List<String> texts) {
            return new Attribute(name, 0, "", new double[0], new long[0], List.copyOf(texts));
        }
    }

    /** @throws UnsupportedModelException if the bytes are no ONNX model */
    static OnnxGraph parse(byte[] content) {
        try {
            return model(CodedInputStream.newInstance(content));
        } catch (IOException | IllegalArgumentException e) {
            throw new UnsupportedModelException("it is no ONNX model: " + e.getMessage(), e);
        }
    }

    private static OnnxGraph model(CodedInputStream in) throws IOException {
        OnnxGraph graph = null;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 7) {
                graph = graph(in.readBytes().newCodedInput());
            } else {
                in.skipField(tag);
            }
        }
        if (graph == null) {
            throw new UnsupportedModelException("it is no ONNX model: there is no graph in it");
        }
        return graph;
    }

    private static OnnxGraph graph(CodedInputStream in) throws IOException {
        List<Operation> operations = new ArrayList<>();
        List<Value> inputs = new ArrayList<>();
        List<Value> outputs = new ArrayList<>();
        List<String> held = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> operations.add(operation(in.readBytes().newCodedInput()));
                case 5 -> held.add(tensorName(in.readBytes().newCodedInput()));
                case 11 -> inputs.add(value(in.readBytes().newCodedInput()));
                case 12 -> outputs.add(value(in.readBytes().newCodedInput()));
                default -> in.skipField(tag);
            }
        }
        inputs.removeIf(input -> held.contains(input.name()));
        return new OnnxGraph(operations, inputs, outputs, held);
    }

    private static Operation operation(CodedInputStream in) throws IOException {
        String type = "";
        String domain = "";
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Attribute> attributes = new HashMap<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> inputs.add(in.readStringRequireUtf8());
                case 2 -> outputs.add(in.readStringRequireUtf8());
                case 4 -> type = in.readStringRequireUtf8();
                case 5 -> {
                    Attribute attribute = attribute(in.readBytes().newCodedInput());
                    attributes.put(attribute.name(), attribute);
                }
                case 7 -> domain = in.readStringRequireUtf8();
                default -> in.skipField(tag);
            }
        }
        return new Operation(type, domain, inputs, outputs, attributes);
    }

    private static Attribute attribute(CodedInputStream in) throws IOException {
        String name = "";
        long whole = 0;
        String text = "";
        double[] tensor = {};
        List<Double> numbers = new ArrayList<>();
        List<Long> wholes = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readStringRequireUtf8();
                case 3 -> whole = in.readInt64();
                case 4 -> text = in.readBytes().toStringUtf8();
                case 5 -> tensor = numbers(in.readBytes().newCodedInput());
                case 7 -> each(in, tag, () -> numbers.add((double) in.readFloat()));
                case 8 -> each(in, tag, () -> wholes.add(in.readInt64()));
                case 9 -> texts.add(in.readBytes().toStringUtf8());
                default -> in.skipField(tag);
            }
        }
        double[] given = numbers.isEmpty()
                ? tensor
                : numbers.stream().mapToDouble(Double::doubleValue).toArray();
        return new Attribute(
                name,
                whole,
                text,
                given,
                wholes.stream().mapToLong(Long::longValue).toArray(),
                texts);
    }

    private interface Element {
        void read() throws IOException;
    }

    /** Reads one value, or all of a packed list of them. */
    private static void each(CodedInputStream in, int tag, Element element) throws IOException {
        if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            element.read();
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            element.read();
        }
        in.popLimit(limit);
    }

    private static String tensorName(CodedInputStream in) throws IOException {
        String name = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 8) {
                name = in.readStringRequireUtf8();
            } else {
                in.skipField(tag);
            }
        }
        return name;
    }

    /** The numbers of a tensor of floats, doubles or bytes; of another there are none. */
    private static double[] numbers(CodedInputStream in) throws IOException {
        int type = 0;
        ByteString raw = ByteString.EMPTY;
        List<Double> given = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int field = WireFormat.getTagFieldNumber(tag);
            switch (field) {
                case 2 -> type = in.readInt32();
                case 4, 10 -> each(in, tag, () -> given.add(field == 4 ? in.readFloat() : in.readDouble()));
                case 5 -> each(in, tag, () -> given.add((double) in.readInt32()));
                case 9 -> raw = in.readBytes();
                default -> in.skipField(tag);
            }
        }
        if (type != FLOAT && type != DOUBLE && type != BYTE) {
            return new double[0];
        }
        if (raw.isEmpty()) {
            return given.stream().mapToDouble(Double::doubleValue).toArray();
        }
        ByteBuffer bytes = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        double[] numbers = new double[bytes.remaining() / (type == DOUBLE ? 8 : type == FLOAT ? 4 : 1)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = switch (type) {
                case DOUBLE -> bytes.getDouble();
                case FLOAT -> bytes.getFloat();
                default -> bytes.get() & 0xFF;
            };
        }
        return numbers;
    }

    private static Value value(CodedInputStream in) throws IOException {
        String name = "";
        int type = 0;
        List<Long> shape = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readStringRequireUtf8();
                case 2 -> type = type(in.readBytes().newCodedInput(), shape);
                default -> in.skipField(tag);
            }
        }
        return new Value(name, type, shape);
    }

    /** The element type of a tensor; fills its shape. */
    private static int type(CodedInputStream in, List<Long> shape) throws IOException {
        int type = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != 1) {
                in.skipField(tag);
                continue;
            }
            CodedInputStream tensor = in.readBytes().newCodedInput();
            for (int inner = tensor.readTag(); inner != 0; inner = tensor.readTag()) {
                switch (WireFormat.getTagFieldNumber(inner)) {
                    case 1 -> type = tensor.readInt32();
                    case 2 -> dimensions(tensor.readBytes().newCodedInput(), shape);
                    default -> tensor.skipField(inner);
                }
            }
        }
        return type;
    }

    private static void dimensions(CodedInputStream in, List<Long> shape) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != 1) {
                in.skipField(tag);
                continue;
            }
            CodedInputStream dimension = in.readBytes().newCodedInput();
            long size = -1;
            for (int inner = dimension.readTag(); inner != 0; inner = dimension.readTag()) {
                if (WireFormat.getTagFieldNumber(inner) == 1) {
                    size = dimension.readInt64();
                } else {
                    dimension.skipField(inner);
                }
            }
            shape.add(size);
        }
    }
}
