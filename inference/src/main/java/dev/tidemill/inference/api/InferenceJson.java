package dev.tidemill.inference.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.InputTensor;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The Open Inference Protocol's JSON. */
final class InferenceJson {
    private InferenceJson() {}

    static InferenceRequest request(byte[] body, Clock clock) {
        ObjectNode json = Json.parseObject(body);
        JsonNode inputs = json.path("inputs");
        if (!inputs.isArray()) {
            throw TidemillException.invalid("inputs", "'inputs' must be a list of at least one tensor");
        }
        List<InputTensor> tensors = new ArrayList<>();
        for (JsonNode tensor : inputs) {
            tensors.add(tensor(tensor));
        }
        JsonNode parameters = json.path("parameters");
        JsonNode time = parameters.path("event_time");
        return InferenceRequest.of(
                new Body(json).optionalText("id"),
                time.isMissingNode() ? Optional.empty() : Optional.of(time.asText()),
                Optional.ofNullable(parameters.path("entity").textValue()),
                tensors,
                clock.instant());
    }

    private static InputTensor tensor(JsonNode json) {
        String name = json.path("name").asText();
        JsonNode shape = json.path("shape");
        List<Long> sizes = new ArrayList<>();
        for (JsonNode size : shape) {
            if (!size.canConvertToInt()) {
                throw TidemillException.invalid(
                        "shape", "The shape of '" + name + "' must be [rows] or [rows, 1], not " + shape);
            }
            sizes.add(size.asLong());
        }
        List<JsonNode> values = new ArrayList<>();
        flatten(json.path("data"), values, 0);
        String datatype = json.path("datatype").asText();
        List<@Nullable Object> converted = new ArrayList<>(values.size());
        for (JsonNode value : values) {
            converted.add(value(name, datatype, value));
        }
        return new InputTensor(name, datatype, sizes, converted);
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
