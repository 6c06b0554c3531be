package dev.tidemill.wires.oip;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The Open Inference Protocol's JSON with its binary tensor extension: a JSON document, then the tensors that say how many
 * bytes they have, in order. Read and written as a stream, since this is the serving path.
 */
final class InferenceJson {
    private static final String BINARY_SIZE = "binary_data_size";
    private static final String BINARY = "binary_data";
    private static final String BINARY_OUTPUT = "binary_data_output";
    private static final String CONTENT_TYPE = "content_type";

    private InferenceJson() {}

    /** An answer: a JSON document and what follows it. */
    record Body(byte[] content, int jsonLength, boolean binary) {}

    /** Which of its fields an object has had; none may come again. */
    private static final class Once {
        private int had;

        /** Notes a field, which has a number among those that are known, and gives its name back. */
        String take(int number, String field) {
            if ((had & 1 << number) != 0) {
                throw TidemillException.invalid(field, "An object has two fields named '" + field + "'");
            }
            had |= 1 << number;
            return field;
        }
    }

    /** An input as far as it has been read. */
    private static final class Input {
        private String name = "";
        private String datatype = "";
        private long[] shape = {};
        private Map<String, Object> parameters = Map.of();
        private @Nullable TensorData data;
    }

    /**
     * Reads a request.
     *
     * @param jsonLength bytes of the JSON document; what follows is binary
     */
    static WireRequest request(byte[] body, int jsonLength) {
        try (JsonParser parser = Json.objectMapper().createParser(body, 0, jsonLength)) {
            // Fields are watched by Once instead: a set of names for each of many small objects takes a tenth of the
            // reading.
            parser.disable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw Json.missing();
            }
            if (first != JsonToken.START_OBJECT) {
                throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The body is not a JSON object");
            }
            Optional<String> id = Optional.empty();
            Map<String, Object> parameters = Map.of();
            List<Input> inputs = new ArrayList<>();
            List<WireRequest.RequestedOutput> outputs = List.of();
            var once = new Once();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "id" -> id = Optional.of(text(parser, once.take(0, field)));
                    case "parameters" -> {
                        once.take(1, field);
                        parameters = parameters(parser);
                    }
                    case "inputs" -> {
                        once.take(2, field);
                        list(parser, field, () -> inputs.add(input(parser)));
                    }
                    case "outputs" -> {
                        once.take(3, field);
                        outputs = outputs(parser);
                    }
                    default -> parser.skipChildren();
                }
            }
            if (parser.nextToken() != null) {
                throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The body goes on after its JSON object");
            }
            if (inputs.isEmpty()) {
                throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
            }
            boolean binary = Boolean.TRUE.equals(parameters.get(BINARY_OUTPUT));
            return new WireRequest(id, parameters, tensors(inputs, body, jsonLength), outputs, binary);
        } catch (JsonProcessingException e) {
            throw notJson(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TidemillException notJson(JsonProcessingException e) {
        String where = e.getLocation() == null
                ? ""
                : " (line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr() + ")";
        return new TidemillException(
                        ErrorCode.INVALID_ARGUMENT, "The body is not JSON: " + e.getOriginalMessage() + where)
                .causedBy(e);
    }

    private interface Element {
        void read() throws IOException;
    }

    private static void list(JsonParser parser, String field, Element element) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw TidemillException.invalid(field, "'" + field + "' must be a list");
        }
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw TidemillException.invalid(field, "'" + field + "' must hold objects");
            }
            element.read();
        }
    }

    /** A text or a number as text; nothing for null. */
    private static String text(JsonParser parser, String field) throws IOException {
        if (!parser.currentToken().isScalarValue()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a text");
        }
        return parser.currentToken() == JsonToken.VALUE_NULL ? "" : parser.getText();
    }

    private static Input input(JsonParser parser) throws IOException {
        var input = new Input();
        var once = new Once();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String field = parser.currentName();
            parser.nextToken();
            switch (field) {
                case "name" -> input.name = text(parser, once.take(0, field));
                case "datatype" -> input.datatype = text(parser, once.take(1, field));
                case "shape" -> {
                    once.take(2, field);
                    input.shape = shape(parser, input.name);
                }
                case "parameters" -> {
                    once.take(3, field);
                    input.parameters = parameters(parser);
                }
                case "data" -> {
                    once.take(4, field);
                    input.data = TensorData.read(parser);
                }
                default -> parser.skipChildren();
            }
        }
        return input;
    }

    private static long[] shape(JsonParser parser, String name) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw TidemillException.invalid("shape", "The shape of '" + name + "' must be a list of whole numbers");
        }
        long[] sizes = new long[4];
        int count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                    || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                    || count > 16) {
                throw TidemillException.invalid(
                        "shape", "The shape of '" + name + "' must be a list of whole numbers, at most 16");
            }
            if (count == sizes.length) {
                sizes = Arrays.copyOf(sizes, 2 * count);
            }
            sizes[count++] = parser.getLongValue();
        }
        return Arrays.copyOf(sizes, count);
    }

    private static final Set<String> OF_CLIENTS = Set.of("headers", "extra", "explain_parameters");

    private static Map<String, Object> parameters(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return Map.of();
        }
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw TidemillException.invalid("parameters", "'parameters' must be an object");
        }
        var parameters = new HashMap<String, Object>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            if (parameters.containsKey(name)) {
                throw TidemillException.invalid("parameters", "There are two parameters named '" + name + "'");
            }
            switch (parser.nextToken()) {
                case VALUE_STRING -> parameters.put(name, parser.getText());
                case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parameters.put(name, parser.getNumberValue());
                case VALUE_TRUE -> parameters.put(name, true);
                case VALUE_FALSE -> parameters.put(name, false);
                case VALUE_NULL -> {}
                default -> {
                    // MLServer's clients send these along, as objects; nothing here asks for them.
                    if (!OF_CLIENTS.contains(name)) {
                        throw TidemillException.invalid(
                                "parameters." + name,
                                "Parameter '" + name + "' is "
                                        + (parser.currentToken() == JsonToken.START_ARRAY ? "a list" : "an object")
                                        + "; parameters are texts, numbers and booleans");
                    }
                    parser.skipChildren();
                }
            }
        }
        return parameters;
    }

    private static List<WireRequest.RequestedOutput> outputs(JsonParser parser) throws IOException {
        List<WireRequest.RequestedOutput> outputs = new ArrayList<>();
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return outputs;
        }
        list(parser, "outputs", () -> {
            String name = "";
            Map<String, Object> parameters = Map.of();
            var once = new Once();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "name" -> name = text(parser, once.take(0, field));
                    case "parameters" -> {
                        once.take(1, field);
                        parameters = parameters(parser);
                    }
                    default -> parser.skipChildren();
                }
            }
            outputs.add(WireRequest.RequestedOutput.of(name, parameters));
        });
        return outputs;
    }

    private static List<Tensor> tensors(List<Input> inputs, byte[] body, int jsonLength) {
        List<Tensor> tensors = new ArrayList<>(inputs.size());
        int at = jsonLength;
        for (Input input : inputs) {
            Datatype datatype = Datatype.of(input.name, input.datatype);
            if (input.parameters.get(BINARY_SIZE) instanceof Number told) {
                long size = told.longValue();
                if (input.data != null) {
                    throw TidemillException.invalid(
                            "data", "Tensor '" + input.name + "' has both 'data' and '" + BINARY_SIZE + "'");
                }
                if (size < 0 || size > body.length - at) {
                    throw TidemillException.invalid(
                            BINARY_SIZE,
                            "Tensor '" + input.name + "' says " + size + " bytes, but " + (body.length - at)
                                    + " are left in the body");
                }
                tensors.add(RawTensors.read(input.name, datatype, input.shape, ByteBuffer.wrap(body, at, (int) size)));
                at += (int) size;
            } else if (input.data == null) {
                throw TidemillException.invalid("data", "Tensor '" + input.name + "' has no 'data'");
            } else {
                String contentType = String.valueOf(input.parameters.getOrDefault(CONTENT_TYPE, ""));
                tensors.add(input.data.tensor(input.name, datatype, input.shape, contentType));
            }
        }
        if (at != body.length) {
            throw TidemillException.invalid(
                    BINARY_SIZE, "The body has " + (body.length - at) + " bytes after the last tensor");
        }
        return tensors;
    }

    /** The outputs that were asked for, in that order. */
    static List<Tensor> chosen(WireRequest wire, InferenceAnswer answer) {
        if (wire.outputs().isEmpty()) {
            return answer.outputs();
        }
        return wire.outputs().stream()
                .map(asked -> Tensor.named(answer.outputs(), asked.name())
                        .map(output -> asked.classes() == 0
                                ? output
                                : Classification.of(output, asked.classes(), answer.classes()))
                        .orElseThrow(() -> TidemillException.invalid(
                                "outputs",
                                "The model has no output '" + asked.name() + "'; it has "
                                        + answer.outputs().stream()
                                                .map(Tensor::name)
                                                .toList())))
                .toList();
    }

    /**
     * An answer as bytes. What it takes of memory is taken before: {@link #told} for one of JSON alone, which need not be in memory.
     *
     * @throws TidemillException what {@link AnswerMemory#take} throws
     */
    static Body answer(String name, WireRequest wire, InferenceRequest request, InferenceAnswer answer) {
        Told told = told(name, wire, request, answer);
        List<Tensor> plain = new ArrayList<>(told.outputs);
        plain.removeAll(told.binary());
        long json = AnswerMemory.written(plain);
        long raw = told.binary().stream().mapToLong(RawTensors::size).sum();
        // The JSON is made in a buffer that grows, and copied to where the rest follows it.
        AnswerMemory.take(3 * json + raw);
        var bytes = new ByteArrayOutputStream(512);
        told.write(bytes);
        int jsonLength = bytes.size();
        ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(jsonLength + raw)).order(ByteOrder.LITTLE_ENDIAN);
        all.put(bytes.toByteArray());
        for (Tensor output : told.binary()) {
            RawTensors.write(output, output.datatype(), all);
        }
        return new Body(all.array(), jsonLength, !told.binary().isEmpty());
    }

    /** An answer that is to be written. */
    static Told told(String name, WireRequest wire, InferenceRequest request, InferenceAnswer answer) {
        return new Told(name, wire, request, answer, chosen(wire, answer));
    }

    /** An answer that is written as it goes, without being in memory as a whole. */
    record Told(String name, WireRequest wire, InferenceRequest request, InferenceAnswer answer, List<Tensor> outputs) {
        private boolean isRaw(int output) {
            boolean asked = wire.outputs().isEmpty()
                    ? wire.binaryOutput()
                    : wire.outputs().get(output).binary().orElse(wire.binaryOutput());
            return asked || outputs.get(output).datatype().onlyBinary();
        }

        /** Outputs whose bytes follow the JSON. */
        List<Tensor> binary() {
            return IntStream.range(0, outputs.size())
                    .filter(this::isRaw)
                    .mapToObj(outputs::get)
                    .toList();
        }

        /** Whether it is JSON alone, and so much that it is better sent while it is made. */
        boolean isLong() {
            return binary().isEmpty() && AnswerMemory.written(outputs) > AnswerMemory.SMALL;
        }

        /**
         * Refuses what has no place in JSON, before any of it is sent.
         *
         * @throws TidemillException {@code INVALID_ARGUMENT}
         */
        void checkTexts() {
            for (int i = 0; i < outputs.size(); i++) {
                Tensor output = outputs.get(i);
                for (int at = 0; output.datatype() == Datatype.BYTES && !base64(wire, i) && at < output.size(); at++) {
                    text(output, at);
                }
            }
        }

        /** Writes the JSON, without what follows it. */
        void write(OutputStream bytes) {
            try (JsonGenerator json = Json.objectMapper().createGenerator(bytes)) {
                write(json);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void write(JsonGenerator json) throws IOException {
            json.writeStartObject();
            json.writeStringField("model_name", name);
            json.writeStringField(
                    "model_version", Integer.toString(answer.version().version()));
            json.writeStringField("id", request.id());
            json.writeObjectFieldStart("parameters");
            json.writeStringField("model", answer.version().reference());
            json.writeStringField("route", answer.route().text());
            if (!answer.warnings().isEmpty()) {
                json.writeStringField("warning", String.join("; ", answer.warnings()));
            }
            if (!answer.classes().isEmpty()) {
                // Parameters are texts, numbers and truths only.
                json.writeStringField("classes", Json.write(answer.classes()));
            }
            json.writeEndObject();
            json.writeArrayFieldStart("outputs");
            for (int i = 0; i < outputs.size(); i++) {
                InferenceJson.write(json, outputs.get(i), isRaw(i), base64(wire, i));
            }
            json.writeEndArray();
            json.writeEndObject();
        }
    }

    private static boolean base64(WireRequest wire, int output) {
        return !wire.outputs().isEmpty() && wire.outputs().get(output).base64();
    }

    private static void write(JsonGenerator json, Tensor output, boolean raw, boolean base64) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", output.name());
        json.writeStringField("datatype", output.datatype().name());
        json.writeFieldName("shape");
        json.writeArray(output.shape(), 0, output.shape().length);
        if (raw) {
            json.writeObjectFieldStart("parameters");
            json.writeNumberField(BINARY_SIZE, RawTensors.length(output));
            json.writeEndObject();
        } else {
            boolean encoded = base64 && output.datatype() == Datatype.BYTES;
            if (encoded) {
                json.writeObjectFieldStart("parameters");
                json.writeStringField(CONTENT_TYPE, "base64");
                json.writeEndObject();
            }
            json.writeArrayFieldStart("data");
            for (int i = 0; i < output.size(); i++) {
                if (encoded) {
                    json.writeString(Base64.getEncoder().encodeToString(output.bytes(i)));
                } else {
                    value(json, output, i);
                }
            }
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    private static String text(Tensor tensor, int index) {
        return tensor.utf8(index)
                .orElseThrow(() -> TidemillException.invalid(
                                "outputs",
                                "Output '" + tensor.name()
                                        + "' holds bytes that are no UTF-8, which JSON has no place for")
                        .remedy("Ask for it with the parameter binary_data true, or content_type base64"));
    }

    /** A number that JSON has no word for is null; {@code FP32} is written in as few digits as it needs. */
    static void value(JsonGenerator json, Tensor tensor, int index) throws IOException {
        switch (tensor.datatype()) {
            case BYTES -> json.writeString(text(tensor, index));
            case BOOL -> json.writeBoolean(tensor.whole(index) != 0);
            case UINT64 -> json.writeNumber(Long.toUnsignedString(tensor.whole(index)));
            case FP64, FP32, FP16, BF16 -> {
                double value = tensor.number(index);
                if (Double.isNaN(value) || Double.isInfinite(value)) {
                    json.writeNull();
                } else if (tensor.datatype() == Datatype.FP64) {
                    json.writeNumber(value);
                } else {
                    json.writeNumber((float) value);
                }
            }
            default -> json.writeNumber(tensor.whole(index));
        }
    }
}
