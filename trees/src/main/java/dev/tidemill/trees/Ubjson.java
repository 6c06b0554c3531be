package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads Universal Binary JSON (draft 12, ubjson.org), with its typed and counted containers. Depth is bounded, and there are no more
 * values than bytes, though those of a typed container may cost none.
 */
final class Ubjson {
    private static final int DEEPEST = 64;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final ByteBuffer bytes;
    private int values;

    private Ubjson(byte[] content) {
        this.bytes = ByteBuffer.wrap(content);
    }

    /** @throws UnsupportedModelException if the bytes are no such document */
    static JsonNode read(byte[] content) {
        try {
            var reader = new Ubjson(content);
            return reader.value(reader.marker(), 0);
        } catch (BufferUnderflowException e) {
            throw new UnsupportedModelException("the model's file ends in the middle", e);
        }
    }

    private char marker() {
        char marker;
        do {
            marker = (char) (bytes.get() & 0xff);
        } while (marker == 'N');
        return marker;
    }

    private JsonNode value(char marker, int depth) {
        if (depth > DEEPEST) {
            throw new UnsupportedModelException("the model's file is nested more than " + DEEPEST + " deep");
        }
        if (++values > bytes.capacity()) {
            throw new UnsupportedModelException("the model's file has more values than bytes");
        }
        return switch (marker) {
            case 'Z' -> NODES.nullNode();
            case 'T' -> NODES.booleanNode(true);
            case 'F' -> NODES.booleanNode(false);
            case 'i' -> NODES.numberNode((int) bytes.get());
            case 'U' -> NODES.numberNode(bytes.get() & 0xff);
            case 'I' -> NODES.numberNode((int) bytes.getShort());
            case 'l' -> NODES.numberNode(bytes.getInt());
            case 'L' -> NODES.numberNode(bytes.getLong());
            case 'd' -> NODES.numberNode(bytes.getFloat());
            case 'D' -> NODES.numberNode(bytes.getDouble());
            case 'C' -> NODES.textNode(String.valueOf((char) (bytes.get() & 0xff)));
            case 'S', 'H' -> NODES.textNode(text(length()));
            case '[' -> array(depth);
            case '{' -> object(depth);
            default -> throw new UnsupportedModelException("the model's file has an unknown marker " + (int) marker);
        };
    }

    private int length() {
        char marker = marker();
        long number =
                switch (marker) {
                    case 'i' -> bytes.get();
                    case 'U' -> bytes.get() & 0xff;
                    case 'I' -> bytes.getShort();
                    case 'l' -> bytes.getInt();
                    case 'L' -> bytes.getLong();
                    default ->
                        throw new UnsupportedModelException(
                                "the model's file has a length with an unknown marker " + (int) marker);
                };
        if (number < 0 || number > bytes.capacity()) {
            throw new UnsupportedModelException("the model's file has a length of " + number);
        }
        return (int) number;
    }

    private String text(int length) {
        if (length > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        byte[] text = new byte[length];
        bytes.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** What stands at the head of a container: the type of all its elements, or none; their count, or -1. */
    private record Head(char type, int count) {}

    private Head head() {
        char type = 0;
        int count = -1;
        if (peek() == '$') {
            bytes.get();
            type = (char) (bytes.get() & 0xff);
        }
        if (peek() == '#') {
            bytes.get();
            count = length();
        } else if (type != 0) {
            throw new UnsupportedModelException("the model's file has a typed container without a count");
        }
        return new Head(type, count);
    }

    private char peek() {
        if (!bytes.hasRemaining()) {
            throw new BufferUnderflowException();
        }
        return (char) (bytes.get(bytes.position()) & 0xff);
    }

    private ArrayNode array(int depth) {
        Head head = head();
        ArrayNode array = NODES.arrayNode();
        for (int i = 0; head.count() < 0 || i < head.count(); i++) {
            char marker = head.type() != 0 ? head.type() : marker();
            if (head.count() < 0 && marker == ']') {
                return array;
            }
            array.add(value(marker, depth + 1));
        }
        return array;
    }

    private ObjectNode object(int depth) {
        Head head = head();
        ObjectNode object = NODES.objectNode();
        for (int i = 0; head.count() < 0 || i < head.count(); i++) {
            if (head.count() < 0 && peek() == '}') {
                bytes.get();
                return object;
            }
            String name = text(length());
            object.set(name, value(head.type() != 0 ? head.type() : marker(), depth + 1));
        }
        return object;
    }
}
