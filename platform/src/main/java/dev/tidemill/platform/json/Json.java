package dev.tidemill.platform.json;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.ids.TypedId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * The one JSON mapping: instants in ISO 8601, absent values left out, typed ids as their text, keys of maps sorted so that
 * equal values have equal bytes. Depth, length and number size of what is read are bounded. Thread-safe.
 */
public final class Json {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_STRING = 20_000_000;

    private static final ObjectMapper MAPPER = mapper();

    private Json() {}

    private static ObjectMapper mapper() {
        JsonFactory factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(MAX_STRING)
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
                .enable(StreamReadFeature.USE_FAST_BIG_NUMBER_PARSER)
                .build();
        SimpleModule ids = new SimpleModule();
        ids.addSerializer(TypedId.class, new TypedIdSerializer());
        return JsonMapper.builder(factory)
                .addModule(new Jdk8Module())
                .addModule(new JavaTimeModule())
                .addModule(ids)
                .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
                .serializationInclusion(JsonInclude.Include.NON_ABSENT)
                .build();
    }

    public static ObjectMapper objectMapper() {
        return MAPPER;
    }

    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    public static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    public static JsonNode tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    public static String write(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value.getClass() + " as JSON", e);
        }
    }

    /** Reads text that the platform itself wrote. */
    public static <T> T read(String json, Class<T> type) {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("stored JSON does not read as " + type.getSimpleName(), e);
        }
    }

    public static JsonNode read(String json) {
        return read(json, JsonNode.class);
    }

    public static Map<String, String> readStringMap(String json) {
        try {
            return MAPPER.readerForMapOf(String.class).readValue(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("stored JSON does not read as a map of strings", e);
        }
    }

    /**
     * Parses a JSON object that somebody sent: {@link #parse}, if it is one.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} with line and column if it is not one JSON object
     */
    public static ObjectNode parseObject(byte[] body) {
        return object(parse(body));
    }

    /**
     * Parses a JSON object that a process of our own wrote, such as a child, a gateway or a journal: as {@link #parseObject}, but
     * for its names and texts, which may be any. What comes from a model or its caller passes through here as it is; whoever
     * stores it asks for {@link StorableText} then, of the one text alone.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} with line and column if it is not one JSON object
     */
    public static ObjectNode parseOwnObject(byte[] json) {
        return object(parseAny(json));
    }

    private static ObjectNode object(JsonNode json) {
        if (json instanceof ObjectNode object) {
            return object;
        }
        throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The body is not a JSON object");
    }

    /**
     * A text as the JSON that it is throughout, with every digit of its numbers.
     *
     * @return empty if it is none, or has more behind it
     */
    public static Optional<JsonNode> whole(String text) {
        try {
            JsonNode read = MAPPER.readerFor(JsonNode.class)
                    .with(
                            DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                            DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .readValue(text);
            return Optional.of(read).filter(node -> !node.isMissingNode());
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /**
     * Parses JSON that somebody sent, which may be stored as it is. Its names and texts are {@link StorableText}.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} with line and column if it is not one JSON value
     */
    public static JsonNode parse(byte[] body) {
        requireStorable(body);
        return parseAny(body);
    }

    private static JsonNode parseAny(byte[] body) {
        requireThere(body);
        try {
            return MAPPER.readerFor(JsonNode.class)
                    .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readValue(body);
        } catch (JsonProcessingException e) {
            var where = e.getLocation() == null
                    ? ""
                    : " (line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ")";
            throw new TidemillException(
                            ErrorCode.INVALID_ARGUMENT, "The body is not JSON: " + e.getOriginalMessage() + where)
                    .causedBy(e);
        } catch (IOException e) {
            throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The body could not be read").causedBy(e);
        }
    }

    /**
     * Refuses a body of nothing or of white space alone.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    public static void requireThere(byte[] body) {
        for (byte each : body) {
            if (each != ' ' && each != '\t' && each != '\r' && each != '\n') {
                return;
            }
        }
        throw missing();
    }

    /** That JSON was to be sent and nothing was. */
    public static TidemillException missing() {
        return new TidemillException(ErrorCode.INVALID_ARGUMENT, "The JSON body is missing: nothing was sent")
                .remedy("Send a JSON value as the request's body");
    }

    /**
     * Refuses JSON with the character NUL or half of a surrogate pair in a name or a text. JSON can write either as an escape
     * alone, but for halves in bytes that are no UTF-8.
     */
    static void requireStorable(byte[] json) {
        boolean escaped = false;
        for (int at = 0; at < json.length; at++) {
            int value = json[at];
            if (escaped && value == 'u') {
                char character = unit(json, at + 1);
                boolean pair = Character.isHighSurrogate(character)
                        && at + 6 < json.length
                        && json[at + 5] == '\\'
                        && json[at + 6] == 'u'
                        && Character.isLowSurrogate(unit(json, at + 7));
                if (!pair && (character == 0 || Character.isSurrogate(character))) {
                    throw StorableText.refusal("A text of the body", character, "at byte " + at);
                }
                at += pair ? 10 : 4;
                escaped = false;
            } else {
                escaped = !escaped && value == '\\';
                boolean half = value == (byte) 0xED && at + 1 < json.length && (json[at + 1] & 0xFF) >= 0xA0;
                if (half) {
                    throw StorableText.refusal("A text of the body", Character.MIN_SURROGATE, "at byte " + at);
                }
            }
        }
    }

    /**
     * JSON that was made of what came in otherwise than as JSON, such as attributes of spans, if its names and texts are
     * {@link StorableText}: an escape hides them from whoever stores it, and PostgreSQL cannot look into such JSON.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    public static String requireStorable(String json) {
        requireStorable(json.getBytes(StandardCharsets.UTF_8));
        return json;
    }

    /** The UTF-16 unit that four hexadecimal digits write; a blank where they do not. */
    private static char unit(byte[] json, int from) {
        if (from + 4 > json.length) {
            return ' ';
        }
        int unit = 0;
        for (int i = from; i < from + 4; i++) {
            int digit = Character.digit(json[i], 16);
            if (digit < 0) {
                return ' ';
            }
            unit = unit << 4 | digit;
        }
        return (char) unit;
    }

    private static final class TypedIdSerializer extends StdSerializer<TypedId> {
        private static final long serialVersionUID = 1L;

        TypedIdSerializer() {
            super(TypedId.class);
        }

        @Override
        public void serialize(TypedId id, JsonGenerator generator, SerializerProvider provider) throws IOException {
            generator.writeString(id.value());
        }
    }
}
