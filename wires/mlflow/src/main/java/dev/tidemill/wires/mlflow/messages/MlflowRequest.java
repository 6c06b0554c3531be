package dev.tidemill.wires.mlflow.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The fields of an MLflow request: of the JSON body, or of the query where the method carries none. As in protobuf's JSON, an
 * absent text is an empty one, and unknown fields are ignored. Refusals use MLflow's words.
 */
public final class MlflowRequest {
    private static final String HELP = " See the API docs for more information about request parameters.";

    private final JsonNode fields;
    private final Map<String, String> path;
    private final int bodySize;
    private final boolean query;

    private MlflowRequest(JsonNode fields, Map<String, String> path, int bodySize, boolean query) {
        this.query = query;
        this.fields = fields;
        this.path = path;
        this.bodySize = bodySize;
    }

    /** The request that a route answers. */
    public static MlflowRequest of(Context context) {
        byte[] body = RequestBody.read(context);
        if (body.length > 0) {
            return new MlflowRequest(body(body), context.pathParamMap(), body.length, false);
        }
        ObjectNode query = Json.object();
        context.queryParamMap().forEach((name, values) -> {
            if (values.size() == 1) {
                query.put(name, values.getFirst());
            } else {
                var list = query.putArray(name);
                values.forEach(list::add);
            }
        });
        return new MlflowRequest(query, context.pathParamMap(), 0, true);
    }

    /** Old clients send the object as a JSON string of JSON. */
    private static JsonNode body(byte[] body) {
        if (body[0] == '"') {
            return Json.parseObject(Json.parse(body).asText().getBytes(StandardCharsets.UTF_8));
        }
        return Json.parseObject(body);
    }

    /** A nested message, read as a request of its own. */
    public static MlflowRequest of(JsonNode message) {
        return new MlflowRequest(message, Map.of(), 0, false);
    }

    /** Bytes of the body. */
    public int bodySize() {
        return bodySize;
    }

    public String path(String name) {
        return String.valueOf(path.get(name));
    }

    public JsonNode node(String field) {
        return fields.path(field);
    }

    public boolean has(String field) {
        JsonNode node = fields.path(field);
        return !node.isMissingNode()
                && !node.isNull()
                && !(node.isTextual() && node.textValue().isEmpty());
    }

    /** Whether the field is there, though it may be empty. */
    public boolean tells(String field) {
        JsonNode node = fields.path(field);
        return !node.isMissingNode() && !node.isNull();
    }

    /** @throws TidemillException if the field is absent or empty */
    public String text(String field) {
        return optionalText(field).orElseThrow(() -> missing(field));
    }

    public Optional<String> optionalText(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return Optional.empty();
        }
        if (!node.isTextual()) {
            throw wrongType(field, node);
        }
        return Optional.of(node.asText()).filter(text -> !text.isEmpty());
    }

    /** Text that may be empty but must be there. */
    public String presentText(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            throw missing(field);
        }
        if (!node.isTextual()) {
            throw wrongType(field, node);
        }
        return node.textValue();
    }

    /** Text as it is, empty where it is absent. */
    public String anyText(String field) {
        return optionalText(field).orElse("");
    }

    public Optional<Long> optionalWhole(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode()
                || node.isNull()
                || (node.isTextual() && node.textValue().isEmpty())) {
            return Optional.empty();
        }
        if (node.isIntegralNumber() && node.canConvertToLong()) {
            return Optional.of(node.longValue());
        }
        if (node.isFloatingPointNumber() && Math.abs(node.doubleValue()) < 1L << 53) {
            // As MLflow's own server: what follows the point is cut.
            return Optional.of((long) node.doubleValue());
        }
        if (node.isTextual() && node.textValue().matches("-?\\d{1,18}")) {
            return Optional.of(Long.parseLong(node.textValue()));
        }
        throw wrongType(field, node);
    }

    /** @throws TidemillException if it is more than the most that MLflow takes, in the words for a value of a wrong type */
    public Optional<Long> optionalWhole(String field, long most) {
        Optional<Long> value = optionalWhole(field);
        if (value.isPresent() && value.get() > most) {
            throw wrongType(field, fields.path(field));
        }
        return value;
    }

    public long whole(String field) {
        return optionalWhole(field).orElseThrow(() -> missing(field));
    }

    /** A double; NaN and infinities travel as their names. */
    public double number(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            throw missing(field);
        }
        if (node.isNumber()) {
            return node.doubleValue();
        }
        if (node.isTextual()) {
            switch (node.textValue()) {
                case "NaN" -> {
                    return Double.NaN;
                }
                case "Infinity" -> {
                    return Double.POSITIVE_INFINITY;
                }
                case "-Infinity" -> {
                    return Double.NEGATIVE_INFINITY;
                }
                default -> {
                    // refused below
                }
            }
        }
        throw wrongType(field, node);
    }

    public Optional<Boolean> optionalFlag(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return Optional.empty();
        }
        if (node.isBoolean()) {
            return Optional.of(node.booleanValue());
        }
        return switch (node.asText()) {
            case "true" -> Optional.of(true);
            case "false" -> Optional.of(false);
            default ->
                throw query
                        ? TidemillException.invalid(
                                field, "Invalid boolean value: " + node.asText() + ", must be 'true' or 'false'.")
                        : wrongType(field, node);
        };
    }

    /** A repeated text; in a query a single one is a list of one. */
    public List<String> texts(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return List.of();
        }
        if (node.isTextual() && query) {
            return List.of(node.textValue());
        }
        var texts = new ArrayList<String>();
        for (JsonNode element : list(field, node)) {
            if (!(element instanceof TextNode) && !element.isNumber()) {
                throw wrongType(field, node);
            }
            texts.add(element.asText());
        }
        return texts;
    }

    /** A repeated message. */
    public List<MlflowRequest> messages(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return List.of();
        }
        var messages = new ArrayList<MlflowRequest>();
        for (JsonNode element : list(field, node)) {
            if (!element.isObject()) {
                throw wrongType(field, node);
            }
            messages.add(of(element));
        }
        return messages;
    }

    private static JsonNode list(String field, JsonNode node) {
        if (!node.isArray()) {
            throw wrongType(field, node);
        }
        return node;
    }

    /** A nested message; refused if absent. */
    public MlflowRequest message(String field) {
        JsonNode node = fields.path(field);
        if (node.isMissingNode() || node.isNull()) {
            throw missing(field);
        }
        if (!node.isObject()) {
            throw wrongType(field, node);
        }
        return of(node);
    }

    public static TidemillException missing(String field) {
        return TidemillException.invalid(field, "Missing value for required parameter '" + field + "'." + HELP);
    }

    private static TidemillException wrongType(String field, JsonNode node) {
        String shown = node.toString();
        String type =
                switch (node.getNodeType()) {
                    case STRING -> "str";
                    case NUMBER -> node.isIntegralNumber() ? "int" : "float";
                    case BOOLEAN -> "bool";
                    case ARRAY -> "list";
                    case OBJECT -> "dict";
                    default -> "NoneType";
                };
        return TidemillException.invalid(
                field,
                "Invalid value " + (shown.length() > 200 ? shown.substring(0, 200) + "..." : shown) + " for parameter '"
                        + field + "' supplied:  Hint: Value was of type '" + type + "'." + HELP);
    }
}
