package dev.tidemill.inference.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The Open Inference Protocol's JSON: tensors of one column each, shape {@code [rows]} or {@code [rows, 1]}. */
final class InferenceJson {
    private static final int MOST_ROWS = 10_000;

    private InferenceJson() {}

    static InferenceRequest request(byte[] body, Clock clock) {
        ObjectNode json = Json.parseObject(body);
        JsonNode inputs = json.path("inputs");
        if (!inputs.isArray() || inputs.isEmpty()) {
            throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
        }
        int rows = rows(inputs.get(0));
        List<Map<String, @Nullable Object>> table = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            table.add(new HashMap<>());
        }
        for (JsonNode tensor : inputs) {
            fill(tensor, rows, table);
        }
        JsonNode parameters = json.path("parameters");
        String id = new Body(json)
                .optionalText("id")
                .filter(text -> !text.isBlank())
                .orElseGet(Ids::next);
        if (id.length() > 200) {
            throw TidemillException.invalid("id", "The id is longer than 200 characters");
        }
        return new InferenceRequest(
                id,
                eventTime(parameters, clock),
                Optional.ofNullable(parameters.path("entity").textValue()),
                table);
    }

    private static Instant eventTime(JsonNode parameters, Clock clock) {
        JsonNode time = parameters.path("event_time");
        if (time.isMissingNode()) {
            return clock.instant();
        }
        try {
            return Instant.parse(time.asText());
        } catch (DateTimeException e) {
            throw TidemillException.invalid(
                    "parameters.event_time", "'" + time.asText() + "' is not a time such as 2011-04-01T08:00:00Z");
        }
    }

    private static int rows(JsonNode tensor) {
        JsonNode shape = tensor.path("shape");
        if (!shape.isArray()
                || shape.isEmpty()
                || shape.size() > 2
                || !shape.get(0).canConvertToInt()) {
            throw TidemillException.invalid(
                    "shape", "The shape of '" + name(tensor) + "' must be [rows] or [rows, 1], not " + shape);
        }
        int rows = shape.get(0).asInt();
        if (rows < 0 || rows > MOST_ROWS) {
            throw TidemillException.invalid(
                    "shape", "'" + name(tensor) + "' has " + rows + " rows; 0 to " + MOST_ROWS + " are taken");
        }
        return rows;
    }

    private static String name(JsonNode tensor) {
        return tensor.path("name").asText();
    }

    private static void fill(JsonNode tensor, int rows, List<Map<String, @Nullable Object>> table) {
        String name = name(tensor);
        if (name.isEmpty()) {
            throw TidemillException.invalid("inputs", "A tensor has no name");
        }
        if (rows(tensor) != rows
                || (tensor.path("shape").size() == 2
                        && tensor.path("shape").get(1).asInt() != 1)) {
            throw TidemillException.invalid(
                    "shape",
                    "Tensor '" + name + "' has shape " + tensor.path("shape") + "; all tensors must have " + rows
                            + " rows of one value");
        }
        List<JsonNode> values = new ArrayList<>();
        flatten(tensor.path("data"), values, 0);
        if (values.size() != rows) {
            throw TidemillException.invalid(
                    "data", "Tensor '" + name + "' has " + values.size() + " values; its shape says " + rows);
        }
        String datatype = tensor.path("datatype").asText();
        for (int row = 0; row < rows; row++) {
            table.get(row).put(name, value(name, datatype, values.get(row)));
        }
    }

    private static void flatten(JsonNode data, List<JsonNode> values, int depth) {
        if (!data.isArray()) {
            throw TidemillException.invalid("data", "'data' must be a list");
        }
        for (JsonNode element : data) {
            if (element.isArray() && depth < 2) {
                flatten(element, values, depth + 1);
            } else {
                values.add(element);
            }
        }
    }

    private static @Nullable Object value(String tensor, String datatype, JsonNode value) {
        if (value.isNull()) {
            return null;
        }
        boolean fits =
                switch (datatype) {
                    case "BYTES" -> value.isTextual();
                    case "BOOL" -> value.isBoolean();
                    case "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64" ->
                        value.isIntegralNumber();
                    case "FP16", "FP32", "FP64" -> value.isNumber();
                    default ->
                        throw TidemillException.invalid(
                                "datatype", "'" + datatype + "' of tensor '" + tensor + "' is not a datatype");
                };
        if (!fits) {
            throw TidemillException.invalid("data", "Tensor '" + tensor + "' is " + datatype + ", but holds " + value);
        }
        if (value.isTextual()) {
            return value.textValue();
        }
        return value.isBoolean() ? (Object) value.booleanValue() : value.numberValue();
    }

    static ObjectNode answer(String name, InferenceRequest request, InferenceAnswer answer) {
        ObjectNode json = Json.object();
        json.put("model_name", name);
        json.put("model_version", Integer.toString(answer.version().version()));
        json.put("id", request.id());
        json.putObject("parameters")
                .put("model", answer.version().reference())
                .put("route", answer.challenger() ? "challenger" : "champion");
        int width = answer.predictions().isEmpty() ? 1 : answer.predictions().getFirst().length;
        ObjectNode output = json.putArray("outputs").addObject();
        output.put("name", "prediction").put("datatype", "FP64");
        ArrayNode shape = output.putArray("shape").add(answer.predictions().size());
        if (width > 1) {
            shape.add(width);
        }
        ArrayNode data = output.putArray("data");
        for (double[] prediction : answer.predictions()) {
            for (double value : prediction) {
                if (Double.isNaN(value)) {
                    data.addNull();
                } else {
                    data.add(value);
                }
            }
        }
        return json;
    }
}
