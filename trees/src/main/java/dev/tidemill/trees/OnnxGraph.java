package dev.tidemill.trees;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * As much of an ONNX model as tells what it does, without its weights: its nodes with their attributes, and the names, types and
 * shapes of what goes in, comes out, and is held. Field numbers are those of ONNX's published {@code onnx.proto}. Immutable.
 *
 * @param operations in the order in which they are computed
 * @param inputs values that a caller gives, without those that the model holds itself
 * @param held tensors that the model holds
 * @param opset version of ONNX's own operators that the model is written for
 * @param functions whether the model defines operators of its own
 */
public record OnnxGraph(
        List<Operation> operations,
        List<Value> inputs,
        List<Value> outputs,
        List<Held> held,
        long opset,
        boolean functions) {
    /** ONNX's number of the type of 32-bit floats. */
    public static final int FLOAT = 1;

    private static final int BYTE = 2;
    private static final int DOUBLE = 11;
    private static final int INT32 = 6;
    private static final int INT64 = 7;
    /** Where a tensor's values are when they are not in the file. */
    private static final int EXTERNAL = 1;
    /** Whole numbers of a tensor are read up to so many: axes, sizes and positions are never more. */
    private static final int MOST_WHOLES = 1_000;

    /**
     * What goes in or comes out.
     *
     * @param elementType ONNX's number of the type; 0 for what is no tensor
     * @param shape its dimensions; -1 for an open one
     * @param symbols names of its dimensions; empty for one without
     * @param shaped whether it says its shape at all; a scalar says that it has no dimensions
     */
    public record Value(String name, int elementType, List<Long> shape, List<String> symbols, boolean shaped) {}

    /**
     * A tensor that the model holds.
     *
     * @param wholes its values, if they are whole numbers, few, and in the file itself; else none
     * @param longestText bytes of its longest text; 0 if it holds none
     */
    public record Held(String name, int elementType, List<Long> shape, long[] wholes, int longestText) {}

    /** One node. */
    public record Operation(
            String name,
            String type,
            String domain,
            List<String> inputs,
            List<String> outputs,
            Map<String, Attribute> attributes) {
        public Optional<Attribute> attribute(String attribute) {
            return Optional.ofNullable(attributes.get(attribute));
        }

        public long whole(String attribute, long otherwise) {
            return attribute(attribute).map(Attribute::whole).orElse(otherwise);
        }

        public String text(String attribute, String otherwise) {
            return attribute(attribute).map(Attribute::text).orElse(otherwise);
        }

        public long[] wholes(String attribute) {
            return attribute(attribute).map(Attribute::wholes).orElseGet(() -> new long[0]);
        }

        /** Whether it holds a graph of its own, as a loop or a branch does. */
        public boolean controls() {
            return attributes.values().stream().anyMatch(Attribute::graph);
        }

        List<String> texts(String attribute) {
            return attribute(attribute).map(Attribute::texts).orElse(List.of());
        }

        /** Numbers given as floats, or under the same name with {@code _as_tensor} as doubles. */
        double[] numbers(String attribute) {
            return attribute(attribute)
                    .or(() -> attribute(attribute + "_as_tensor"))
                    .map(Attribute::numbers)
                    .orElseGet(() -> new double[0]);
        }

        public boolean has(String attribute) {
            return attributes.containsKey(attribute);
        }
    }

    /**
     * A named setting of a node, of whichever kind.
     *
     * @param tensor the shape and type of a tensor that it holds, and its whole numbers
     * @param graph whether it holds a graph
     * @param longestText bytes of its longest text, a tensor's included; 0 if it holds none
     */
    public record Attribute(
            String name,
            long whole,
            String text,
            double[] numbers,
            long[] wholes,
            List<String> texts,
            Optional<Held> tensor,
            boolean graph,
            int longestText) {
        private Attribute(String name, long whole, String text, double[] numbers, long[] wholes, List<String> texts) {
            this(name, whole, text, numbers, wholes, texts, Optional.empty(), false, longest(text, texts));
        }

        private static int longest(String text, List<String> texts) {
            return Stream.concat(Stream.of(text), texts.stream())
                    .mapToInt(one -> one.getBytes(StandardCharsets.UTF_8).length)
                    .max()
                    .orElse(0);
        }

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

    /**
     * Reads a model whose bytes mean the same to every reader: none of its single fields is there twice, its fields are of ONNX's wire
     * types and its names are UTF-8, an attribute or tensor has one value, which is of its type, and no value of a graph is made twice,
     * nested graphs and functions included.
     *
     * @throws UnsupportedModelException if the bytes are no such ONNX model
     */
    public static OnnxGraph parse(byte[] content) {
        try {
            OnnxMessages.check(content);
            OnnxNames.check(content);
            return model(CodedInputStream.newInstance(content));
        } catch (IOException | IllegalArgumentException e) {
            throw new UnsupportedModelException("it is no ONNX model: " + e.getMessage(), e);
        }
    }

    private static OnnxGraph model(CodedInputStream in) throws IOException {
        OnnxGraph graph = null;
        long opset = 0;
        boolean functions = false;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 7 -> graph = graph(in.readBytes().newCodedInput());
                case 8 -> opset = Math.max(opset, opset(in.readBytes().newCodedInput()));
                case 25 -> {
                    functions = true;
                    in.skipField(tag);
                }
                default -> in.skipField(tag);
            }
        }
        if (graph == null) {
            throw new UnsupportedModelException("it is no ONNX model: there is no graph in it");
        }
        return new OnnxGraph(graph.operations, graph.inputs, graph.outputs, graph.held, opset, functions);
    }

    /** The version of ONNX's own operators; 0 for another domain's. */
    private static long opset(CodedInputStream in) throws IOException {
        String domain = "";
        long version = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> domain = in.readStringRequireUtf8();
                case 2 -> version = in.readInt64();
                default -> in.skipField(tag);
            }
        }
        return domain.isEmpty() || domain.equals("ai.onnx") ? version : 0;
    }

    private static OnnxGraph graph(CodedInputStream in) throws IOException {
        List<Operation> operations = new ArrayList<>();
        List<Value> inputs = new ArrayList<>();
        List<Value> outputs = new ArrayList<>();
        List<Held> held = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> operations.add(operation(in.readBytes().newCodedInput()));
                case 5 -> held.add(held(in.readBytes().newCodedInput()));
                case 11 -> inputs.add(value(in.readBytes().newCodedInput()));
                case 12 -> outputs.add(value(in.readBytes().newCodedInput()));
                case 15 -> held.add(sparse(in.readBytes().newCodedInput()));
                default -> in.skipField(tag);
            }
        }
        Set<String> names = held.stream().map(Held::name).collect(Collectors.toSet());
        inputs.removeIf(input -> names.contains(input.name()));
        return new OnnxGraph(operations, inputs, outputs, held, 0, false);
    }

    private static Operation operation(CodedInputStream in) throws IOException {
        String name = "";
        String type = "";
        String domain = "";
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Attribute> attributes = new HashMap<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> inputs.add(in.readStringRequireUtf8());
                case 2 -> outputs.add(in.readStringRequireUtf8());
                case 3 -> name = in.readStringRequireUtf8();
                case 4 -> type = in.readStringRequireUtf8();
                case 5 -> {
                    Attribute attribute = attribute(in.readBytes().newCodedInput());
                    attributes.put(attribute.name(), attribute);
                }
                case 7 -> domain = in.readStringRequireUtf8();
                default -> in.skipField(tag);
            }
        }
        return new Operation(name, type, domain, inputs, outputs, attributes);
    }

    private static Attribute attribute(CodedInputStream in) throws IOException {
        String name = "";
        long whole = 0;
        String text = "";
        double[] tensor = {};
        Optional<Held> held = Optional.empty();
        boolean graph = false;
        int longestText = 0;
        List<Double> numbers = new ArrayList<>();
        List<Long> wholes = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readStringRequireUtf8();
                case 3 -> whole = in.readInt64();
                case 4 -> {
                    ByteString bytes = in.readBytes();
                    text = bytes.toStringUtf8();
                    longestText = Math.max(longestText, bytes.size());
                }
                case 5 -> {
                    ByteString bytes = in.readBytes();
                    tensor = numbers(bytes.newCodedInput());
                    Held content = held(bytes.newCodedInput());
                    held = Optional.of(content);
                    longestText = Math.max(longestText, content.longestText());
                }
                case 6, 11 -> {
                    graph = true;
                    in.skipField(tag);
                }
                case 7 -> each(in, tag, () -> numbers.add((double) in.readFloat()));
                case 8 -> each(in, tag, () -> wholes.add(in.readInt64()));
                case 9 -> {
                    ByteString bytes = in.readBytes();
                    texts.add(bytes.toStringUtf8());
                    longestText = Math.max(longestText, bytes.size());
                }
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
                texts,
                held,
                graph,
                longestText);
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

    private static Held held(CodedInputStream in) throws IOException {
        String name = "";
        int type = 0;
        ByteString raw = ByteString.EMPTY;
        boolean external = false;
        int longestText = 0;
        List<Long> shape = new ArrayList<>();
        List<Long> wholes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> each(in, tag, () -> shape.add(in.readInt64()));
                case 2 -> type = in.readInt32();
                case 5 -> each(in, tag, () -> wholes.add((long) in.readInt32()));
                case 6 -> longestText = Math.max(longestText, in.readBytes().size());
                case 7 -> each(in, tag, () -> wholes.add(in.readInt64()));
                case 8 -> name = in.readStringRequireUtf8();
                case 9 -> raw = in.readBytes();
                case 14 -> external = in.readInt32() == EXTERNAL;
                default -> in.skipField(tag);
            }
        }
        boolean whole = !external && (type == INT32 || type == INT64);
        int width = type == INT64 ? Long.BYTES : Integer.BYTES;
        if (whole && raw.size() <= MOST_WHOLES * width) {
            ByteBuffer bytes = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.remaining() >= width) {
                wholes.add(type == INT64 ? bytes.getLong() : bytes.getInt());
            }
        }
        boolean few = whole && wholes.size() <= MOST_WHOLES;
        return new Held(
                name,
                type,
                List.copyOf(shape),
                few ? wholes.stream().mapToLong(Long::longValue).toArray() : new long[0],
                longestText);
    }

    /** A tensor of few values; its name is that of the tensor that holds them. */
    private static Held sparse(CodedInputStream in) throws IOException {
        Held values = new Held("", 0, List.of(), new long[0], 0);
        List<Long> shape = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> values = held(in.readBytes().newCodedInput());
                case 3 -> each(in, tag, () -> shape.add(in.readInt64()));
                default -> in.skipField(tag);
            }
        }
        return new Held(values.name(), values.elementType(), shape, new long[0], values.longestText());
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
        var type = new Type();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readStringRequireUtf8();
                case 2 -> type.read(in.readBytes().newCodedInput());
                default -> in.skipField(tag);
            }
        }
        return new Value(name, type.element, List.copyOf(type.shape), List.copyOf(type.symbols), type.shaped);
    }

    /** The type of a value as it is read. */
    private static final class Type {
        private final List<Long> shape = new ArrayList<>();
        private final List<String> symbols = new ArrayList<>();
        private int element;
        private boolean shaped;

        private void read(CodedInputStream in) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) != 1) {
                    in.skipField(tag);
                    continue;
                }
                CodedInputStream tensor = in.readBytes().newCodedInput();
                for (int inner = tensor.readTag(); inner != 0; inner = tensor.readTag()) {
                    switch (WireFormat.getTagFieldNumber(inner)) {
                        case 1 -> element = tensor.readInt32();
                        case 2 -> {
                            shaped = true;
                            dimensions(tensor.readBytes().newCodedInput());
                        }
                        default -> tensor.skipField(inner);
                    }
                }
            }
        }

        private void dimensions(CodedInputStream in) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) != 1) {
                    in.skipField(tag);
                    continue;
                }
                CodedInputStream dimension = in.readBytes().newCodedInput();
                long size = -1;
                String symbol = "";
                for (int inner = dimension.readTag(); inner != 0; inner = dimension.readTag()) {
                    switch (WireFormat.getTagFieldNumber(inner)) {
                        case 1 -> size = dimension.readInt64();
                        case 2 -> symbol = dimension.readStringRequireUtf8();
                        default -> dimension.skipField(inner);
                    }
                }
                shape.add(size);
                symbols.add(symbol);
            }
        }
    }
}
