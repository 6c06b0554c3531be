package dev.tidemill.trees;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Whether a model's bytes mean the same to every reader. Protocol Buffers merges a message that is given twice, takes a field of another
 * wire type for an unknown one, and does not look at what its texts are made of; readers that take the last, the length or a replacement
 * character instead would judge another model than the one that runs. So a model is refused that has a single field twice, two of a set
 * of which there can be one, a field of the wrong wire type, or a name that is no UTF-8. An attribute has one value, which is the one
 * that its type names, and a tensor has its values in one field, which is that of its type. Messages, fields and numbers are those of
 * ONNX's published {@code onnx.proto}; fields that it does not list are passed over, as every reader does. What the names in a model
 * stand for is asked of {@link OnnxNames}.
 */
final class OnnxMessages {
    /** Most messages within each other, as the readers of Protocol Buffers take. */
    static final int DEEPEST = 100;

    /** The place of fields that exclude each other. */
    private static final int CHOSEN = 0;

    private static final int NONE = -1;
    private static final int ATTRIBUTE_TYPE = 20;
    private static final int REFERENCE = 21;
    private static final int ELEMENT_TYPE = 2;
    private static final int INT32_DATA = 5;
    private static final int RAW_DATA = 9;
    private static final int TEXTS = 8;

    /** The types of an attribute by the number of the field that holds its value. */
    private static final Map<Integer, Integer> ATTRIBUTE_TYPES = Map.ofEntries(
            Map.entry(2, 1),
            Map.entry(3, 2),
            Map.entry(4, 3),
            Map.entry(5, 4),
            Map.entry(6, 5),
            Map.entry(7, 6),
            Map.entry(8, 7),
            Map.entry(9, 8),
            Map.entry(10, 9),
            Map.entry(11, 10),
            Map.entry(22, 11),
            Map.entry(23, 12),
            Map.entry(14, 13),
            Map.entry(15, 14));

    /**
     * The types of elements by the number of the field that holds them; the elements of all others are 32-bit numbers, or parts of
     * them.
     */
    private static final Map<Integer, Set<Integer>> ELEMENT_TYPES =
            Map.of(4, Set.of(1, 14), 6, Set.of(TEXTS), 7, Set.of(7), 10, Set.of(11, 15), 11, Set.of(12, 13));

    /** How a field is encoded; a list of numbers may be packed instead. */
    private enum Wire {
        VARINT(WireFormat.WIRETYPE_VARINT),
        FIXED32(WireFormat.WIRETYPE_FIXED32),
        FIXED64(WireFormat.WIRETYPE_FIXED64),
        NAME(WireFormat.WIRETYPE_LENGTH_DELIMITED),
        BYTES(WireFormat.WIRETYPE_LENGTH_DELIMITED),
        MESSAGE(WireFormat.WIRETYPE_LENGTH_DELIMITED);

        private final int type;

        Wire(int type) {
            this.type = type;
        }
    }

    /**
     * What a message says of a field.
     *
     * @param single whether it can be there once
     * @param place fields of one message with the same place exclude each other
     */
    private record Field(String name, Wire wire, boolean single, int place, Message message) {
        /** Whether it is a list of numbers that are written as one. */
        boolean isPacked(int type) {
            return !single
                    && type == WireFormat.WIRETYPE_LENGTH_DELIMITED
                    && wire.type != WireFormat.WIRETYPE_LENGTH_DELIMITED;
        }

        boolean fits(int type) {
            return type == wire.type || !single && type == WireFormat.WIRETYPE_LENGTH_DELIMITED;
        }
    }

    /** A kind of message with its fields by their numbers. */
    private static final class Message {
        private final String told;
        private final Map<Integer, Field> fields = new HashMap<>();

        Message(String told) {
            this.told = told;
        }

        /** The number of the field that says which of those that exclude each other is there; {@link #NONE} if none does. */
        int stating() {
            return this == ATTRIBUTE ? ATTRIBUTE_TYPE : this == TENSOR ? ELEMENT_TYPE : NONE;
        }

        Message single(int number, String name, Wire wire) {
            fields.put(number, new Field(name, wire, true, number, OTHER));
            return this;
        }

        Message single(int number, String name, Message message) {
            fields.put(number, new Field(name, Wire.MESSAGE, true, number, message));
            return this;
        }

        /** One of several that exclude each other. */
        Message choice(int number, String name, Wire wire, Message message) {
            fields.put(number, new Field(name, wire, true, CHOSEN, message));
            return this;
        }

        /** A list that excludes others, and single fields of its message. */
        Message choices(int number, String name, Wire wire, Message message) {
            fields.put(number, new Field(name, wire, false, CHOSEN, message));
            return this;
        }

        Message list(int number, String name, Wire wire) {
            fields.put(number, new Field(name, wire, false, number, OTHER));
            return this;
        }

        Message list(int number, String name, Message message) {
            fields.put(number, new Field(name, Wire.MESSAGE, false, number, message));
            return this;
        }
    }

    /** One whose fields nothing here reads. */
    private static final Message OTHER = new Message("a message");

    private static final Message MODEL = new Message("a model");
    private static final Message GRAPH = new Message("a graph");
    private static final Message NODE = new Message("a node");
    private static final Message ATTRIBUTE = new Message("an attribute");
    private static final Message FUNCTION = new Message("a function");
    private static final Message VALUE = new Message("a value");
    private static final Message TYPE = new Message("a type");
    private static final Message TENSOR_TYPE = new Message("a type of a tensor");
    private static final Message NESTED_TYPE = new Message("a type of a sequence or an optional value");
    private static final Message MAP_TYPE = new Message("a type of a map");
    private static final Message SHAPE = new Message("a shape");
    private static final Message DIMENSION = new Message("a dimension");
    private static final Message TENSOR = new Message("a tensor");
    private static final Message SPARSE = new Message("a sparse tensor");
    private static final Message ENTRY = new Message("an entry of external data");
    private static final Message OPSET = new Message("a version of operators");

    static {
        MODEL.single(1, "ir_version", Wire.VARINT)
                .single(7, "graph", GRAPH)
                .list(8, "opset_import", OPSET)
                .list(25, "functions", FUNCTION);
        GRAPH.list(1, "node", NODE)
                .single(2, "name", Wire.NAME)
                .list(5, "initializer", TENSOR)
                .list(11, "input", VALUE)
                .list(12, "output", VALUE)
                .list(13, "value_info", VALUE)
                .list(15, "sparse_initializer", SPARSE);
        NODE.list(1, "input", Wire.NAME)
                .list(2, "output", Wire.NAME)
                .single(3, "name", Wire.NAME)
                .single(4, "op_type", Wire.NAME)
                .list(5, "attribute", ATTRIBUTE)
                .single(7, "domain", Wire.NAME)
                .single(8, "overload", Wire.NAME);
        ATTRIBUTE
                .single(1, "name", Wire.NAME)
                .choice(2, "f", Wire.FIXED32, OTHER)
                .choice(3, "i", Wire.VARINT, OTHER)
                .choice(4, "s", Wire.BYTES, OTHER)
                .choice(5, "t", Wire.MESSAGE, TENSOR)
                .choice(6, "g", Wire.MESSAGE, GRAPH)
                .choices(7, "floats", Wire.FIXED32, OTHER)
                .choices(8, "ints", Wire.VARINT, OTHER)
                .choices(9, "strings", Wire.BYTES, OTHER)
                .choices(10, "tensors", Wire.MESSAGE, TENSOR)
                .choices(11, "graphs", Wire.MESSAGE, GRAPH)
                .choice(14, "tp", Wire.MESSAGE, TYPE)
                .choices(15, "type_protos", Wire.MESSAGE, TYPE)
                .single(ATTRIBUTE_TYPE, "type", Wire.VARINT)
                .choice(REFERENCE, "ref_attr_name", Wire.NAME, OTHER)
                .choice(22, "sparse_tensor", Wire.MESSAGE, SPARSE)
                .choices(23, "sparse_tensors", Wire.MESSAGE, SPARSE);
        FUNCTION.single(1, "name", Wire.NAME)
                .list(4, "input", Wire.NAME)
                .list(5, "output", Wire.NAME)
                .list(6, "attribute", Wire.NAME)
                .list(7, "node", NODE)
                .list(9, "opset_import", OPSET)
                .single(10, "domain", Wire.NAME)
                .list(11, "attribute_proto", ATTRIBUTE)
                .list(12, "value_info", VALUE)
                .single(13, "overload", Wire.NAME);
        VALUE.single(1, "name", Wire.NAME).single(2, "type", TYPE);
        TYPE.choice(1, "tensor_type", Wire.MESSAGE, TENSOR_TYPE)
                .choice(4, "sequence_type", Wire.MESSAGE, NESTED_TYPE)
                .choice(5, "map_type", Wire.MESSAGE, MAP_TYPE)
                .choice(7, "opaque_type", Wire.MESSAGE, OTHER)
                .choice(8, "sparse_tensor_type", Wire.MESSAGE, TENSOR_TYPE)
                .choice(9, "optional_type", Wire.MESSAGE, NESTED_TYPE);
        TENSOR_TYPE.single(1, "elem_type", Wire.VARINT).single(2, "shape", SHAPE);
        NESTED_TYPE.single(1, "elem_type", TYPE);
        MAP_TYPE.single(1, "key_type", Wire.VARINT).single(2, "value_type", TYPE);
        SHAPE.list(1, "dim", DIMENSION);
        DIMENSION.choice(1, "dim_value", Wire.VARINT, OTHER).choice(2, "dim_param", Wire.NAME, OTHER);
        TENSOR.list(1, "dims", Wire.VARINT)
                .single(ELEMENT_TYPE, "data_type", Wire.VARINT)
                .single(3, "segment", OTHER)
                .choices(4, "float_data", Wire.FIXED32, OTHER)
                .choices(INT32_DATA, "int32_data", Wire.VARINT, OTHER)
                .choices(6, "string_data", Wire.BYTES, OTHER)
                .choices(7, "int64_data", Wire.VARINT, OTHER)
                .single(8, "name", Wire.NAME)
                .choice(RAW_DATA, "raw_data", Wire.BYTES, OTHER)
                .choices(10, "double_data", Wire.FIXED64, OTHER)
                .choices(11, "uint64_data", Wire.VARINT, OTHER)
                .list(13, "external_data", ENTRY)
                .single(14, "data_location", Wire.VARINT);
        SPARSE.single(1, "values", TENSOR).single(2, "indices", TENSOR).list(3, "dims", Wire.VARINT);
        ENTRY.single(1, "key", Wire.NAME).single(2, "value", Wire.NAME);
        OPSET.single(1, "domain", Wire.NAME).single(2, "version", Wire.VARINT);
    }

    private OnnxMessages() {}

    /**
     * Refuses what readers may understand differently.
     *
     * @throws UnsupportedModelException with the field that is ambiguous
     * @throws IOException if the bytes are no message at all
     */
    static void check(byte[] model) throws IOException {
        message(CodedInputStream.newInstance(model), MODEL, 0);
    }

    private static void message(CodedInputStream in, Message kind, int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new UnsupportedModelException("its graphs and types are nested more than " + DEEPEST + " deep");
        }
        Map<Integer, Integer> seen = new HashMap<>();
        int stated = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int type = WireFormat.getTagWireType(tag);
            if (type == WireFormat.WIRETYPE_START_GROUP || type == WireFormat.WIRETYPE_END_GROUP) {
                throw new UnsupportedModelException("there is a group in " + kind.told + ", of which ONNX has none");
            }
            int number = WireFormat.getTagFieldNumber(tag);
            Field field = kind.fields.get(number);
            if (field == null) {
                in.skipField(tag);
                continue;
            }
            String told = "the field '" + field.name() + "' of " + kind.told;
            if (!field.fits(type)) {
                throw new UnsupportedModelException(told + " is encoded as another type than ONNX gives it");
            }
            if (field.isPacked(type)) {
                int size = in.readRawVarint32();
                if (size == 0) {
                    // A list of nothing is one that is not there.
                    continue;
                }
                in.skipRawBytes(size);
                alone(seen, number, field, told);
                continue;
            }
            alone(seen, number, field, told);
            if (field.wire() == Wire.MESSAGE && field.message() != OTHER) {
                int limit = in.pushLimit(in.readRawVarint32());
                message(in, field.message(), depth + 1);
                in.popLimit(limit);
            } else if (field.wire() == Wire.NAME) {
                ByteString name = in.readBytes();
                if (!name.isValidUtf8()) {
                    throw new UnsupportedModelException(told + " is no UTF-8: '" + name.toStringUtf8() + "'");
                }
            } else if (number == kind.stating()) {
                stated = in.readInt32();
            } else {
                in.skipField(tag);
            }
        }
        Integer chosen = seen.get(CHOSEN);
        if (chosen != null && kind.stating() != NONE) {
            ofItsType(kind, chosen, stated);
        }
    }

    private static void alone(Map<Integer, Integer> seen, int number, Field field, String told) {
        Integer before = seen.putIfAbsent(field.place(), number);
        if (before != null && (field.single() || before != number)) {
            throw new UnsupportedModelException(
                    told + " is there twice, or beside another that excludes it, which readers understand differently");
        }
    }

    /** Refuses a value that is in another field than its type says: some readers go by the field, others by the type. */
    private static void ofItsType(Message kind, int chosen, int stated) {
        boolean fits;
        if (kind == ATTRIBUTE) {
            fits = chosen == REFERENCE || ATTRIBUTE_TYPES.getOrDefault(chosen, 0) == stated;
        } else if (chosen == RAW_DATA) {
            fits = stated != TEXTS;
        } else {
            Set<Integer> own = ELEMENT_TYPES.get(chosen);
            fits = own != null
                    ? own.contains(stated)
                    : ELEMENT_TYPES.values().stream().noneMatch(others -> others.contains(stated));
        }
        if (!fits) {
            throw new UnsupportedModelException("the value of " + kind.told + " is in its field '"
                    + Objects.requireNonNull(kind.fields.get(chosen)).name() + "', which is not the one of its type ("
                    + stated + "); readers understand that differently");
        }
    }
}
