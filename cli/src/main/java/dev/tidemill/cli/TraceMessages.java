package dev.tidemill.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Traces between the forms in which MLflow has kept them: its messages since 3.0 and before, spans as OTLP's JSON and as the
 * dictionaries of its files {@code traces.json}.
 */
final class TraceMessages {
    /** The file among a trace's artifacts that holds its spans. */
    static final String FILE = "traces.json";

    static final String LOCATION = "mlflow.artifactLocation";
    static final String SPANS_TAG = "mlflow.trace.spansLocation";

    private TraceMessages() {}

    /** A trace's message as MLflow has written it since 3.0, out of one of before; others stay as they are. */
    static ObjectNode info(JsonNode told) {
        if (!told.has("request_id")) {
            ObjectNode info = told.deepCopy();
            if (info.hasNonNull("execution_duration_ms")) {
                info.put(
                        "execution_duration",
                        duration(info.remove("execution_duration_ms").asLong()));
            }
            return info;
        }
        ObjectNode info = Api.object().put("trace_id", told.path("request_id").asText());
        info.set("trace_location", location(told.path("experiment_id").asText()));
        info.put("request_time", time(told.path("timestamp_ms").asLong()));
        if (told.hasNonNull("execution_time_ms")) {
            info.put(
                    "execution_duration",
                    duration(told.path("execution_time_ms").asLong()));
        }
        info.put("state", state(told.path("status").asText("")));
        info.set("tags", texts(told.path("tags")));
        info.set("trace_metadata", texts(told.path("request_metadata")));
        info.put(
                "request_preview",
                info.path("trace_metadata").path("mlflow.traceInputs").asText(""));
        return info.put(
                "response_preview",
                info.path("trace_metadata").path("mlflow.traceOutputs").asText(""));
    }

    static String state(String status) {
        return status.isEmpty() || status.equals("TRACE_STATUS_UNSPECIFIED") ? "STATE_UNSPECIFIED" : status;
    }

    static ObjectNode location(String experimentId) {
        ObjectNode location = Api.object().put("type", "MLFLOW_EXPERIMENT");
        location.putObject("mlflow_experiment").put("experiment_id", experimentId);
        return location;
    }

    static String time(long millis) {
        return Instant.ofEpochMilli(millis).toString();
    }

    static String duration(long millis) {
        return BigDecimal.valueOf(millis, 3).toPlainString() + "s";
    }

    /** An object of texts, out of one or out of a list of keys and values. */
    static ObjectNode texts(JsonNode told) {
        ObjectNode texts = Api.object();
        if (told.isArray()) {
            told.forEach(entry ->
                    texts.put(entry.path("key").asText(), entry.path("value").asText("")));
        } else {
            told.properties()
                    .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        }
        return texts;
    }

    /** Spans as OTLP's JSON with protobuf's names, whatever form they are in. */
    static ArrayNode spans(JsonNode told) {
        ArrayNode spans = Api.JSON.createArrayNode();
        told.forEach(span -> spans.add(span(span)));
        return spans;
    }

    private static JsonNode span(JsonNode told) {
        if (told.path("attributes").isArray()) {
            return told;
        }
        boolean older = told.has("context");
        ObjectNode span = Api.object().put("name", told.path("name").asText());
        span.put(
                "trace_id",
                older
                        ? bytes(told.path("context").path("trace_id").asText(), 16)
                        : told.path("trace_id").asText());
        span.put(
                "span_id",
                older
                        ? bytes(told.path("context").path("span_id").asText(), 8)
                        : told.path("span_id").asText());
        String parent = told.path(older ? "parent_id" : "parent_span_id").asText("");
        if (told.hasNonNull(older ? "parent_id" : "parent_span_id") && !parent.isEmpty()) {
            span.put("parent_span_id", older ? bytes(parent, 8) : parent);
        }
        span.set("start_time_unix_nano", told.path(older ? "start_time" : "start_time_unix_nano"));
        String end = older ? "end_time" : "end_time_unix_nano";
        if (told.hasNonNull(end)) {
            span.set("end_time_unix_nano", told.path(end));
        }
        ObjectNode status = span.putObject("status");
        String code = older
                ? told.path("status_code").asText()
                : told.path("status").path("code").asText();
        status.put("code", code.startsWith("STATUS_CODE_") ? code : "STATUS_CODE_" + known(code));
        status.put(
                "message",
                (older ? told.path("status_message") : told.path("status").path("message")).asText(""));
        span.set("attributes", entries(decoded(told.path("attributes"))));
        ArrayNode events = span.putArray("events");
        for (JsonNode event : told.path("events")) {
            ObjectNode one = events.addObject().put("name", event.path("name").asText());
            one.set(
                    "time_unix_nano",
                    event.has("time_unix_nano") ? event.path("time_unix_nano") : event.path("timestamp"));
            one.set("attributes", entries(event.path("attributes")));
        }
        return span;
    }

    private static String known(String code) {
        return List.of("OK", "ERROR").contains(code) ? code : "UNSET";
    }

    /** Base64 of so many bytes, out of hexadecimal digits. */
    private static String bytes(String digits, int length) {
        byte[] number = new BigInteger("0" + digits.toLowerCase(Locale.ROOT).replaceFirst("^0x", ""), 16).toByteArray();
        byte[] bytes = new byte[length];
        int taken = Math.min(length, number.length);
        System.arraycopy(number, number.length - taken, bytes, length - taken, taken);
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static ArrayNode entries(JsonNode attributes) {
        ArrayNode list = Api.JSON.createArrayNode();
        for (Map.Entry<String, JsonNode> entry : attributes.properties()) {
            list.addObject().put("key", entry.getKey()).set("value", anyValue(entry.getValue()));
        }
        return list;
    }

    private static ObjectNode anyValue(JsonNode value) {
        ObjectNode any = Api.object();
        if (value.isBoolean()) {
            any.put("bool_value", value.booleanValue());
        } else if (value.isIntegralNumber() && value.canConvertToLong()) {
            any.put("int_value", value.longValue());
        } else if (value.isNumber()) {
            any.put("double_value", value.doubleValue());
        } else if (value.isArray()) {
            ArrayNode values = any.putObject("array_value").putArray("values");
            value.forEach(element -> values.add(anyValue(element)));
        } else if (value.isObject()) {
            any.putObject("kvlist_value").set("values", entries(value));
        } else if (!value.isNull()) {
            any.put("string_value", value.asText());
        }
        return any;
    }

    /** What a file {@link #FILE} says of spans that are in OTLP's JSON. */
    static ObjectNode file(JsonNode spans) {
        ObjectNode file = Api.object();
        ArrayNode list = file.putArray("spans");
        for (JsonNode span : spans) {
            ObjectNode one = list.addObject();
            for (String field : List.of(
                    "trace_id", "span_id", "parent_span_id", "name", "start_time_unix_nano", "end_time_unix_nano")) {
                one.set(field, span.hasNonNull(field) ? span.path(field) : Api.JSON.nullNode());
            }
            ArrayNode events = one.putArray("events");
            for (JsonNode event : span.path("events")) {
                ObjectNode told =
                        events.addObject().put("name", event.path("name").asText());
                told.set("time_unix_nano", event.path("time_unix_nano"));
                told.set("attributes", plain(event.path("attributes")));
            }
            one.putObject("status")
                    .put("code", span.path("status").path("code").asText("STATUS_CODE_UNSET"))
                    .put("message", span.path("status").path("message").asText(""));
            ObjectNode attributes = one.putObject("attributes");
            plain(span.path("attributes"))
                    .properties()
                    .forEach(entry -> attributes.put(entry.getKey(), encoded(entry.getValue())));
        }
        return file;
    }

    /** Attributes of a dictionary are JSON in a text; of OTLP they are the values themselves. */
    private static ObjectNode decoded(JsonNode attributes) {
        ObjectNode values = Api.object();
        attributes
                .properties()
                .forEach(entry -> values.set(
                        entry.getKey(),
                        entry.getValue().isTextual()
                                ? parsed(entry.getValue().textValue()).orElse(entry.getValue())
                                : entry.getValue()));
        return values;
    }

    private static Optional<JsonNode> parsed(String text) {
        try {
            return Optional.of(Api.JSON.readTree(text)).filter(value -> !value.isMissingNode());
        } catch (JsonProcessingException plainText) {
            return Optional.empty();
        }
    }

    /** The same the other way round; some senders write JSON into a text themselves. */
    private static String encoded(JsonNode value) {
        boolean json = value.isTextual()
                && value.textValue().matches("(?s)[{\\[\"].*")
                && parsed(value.textValue()).isPresent();
        return json ? value.textValue() : value.toString();
    }

    private static ObjectNode plain(JsonNode attributes) {
        ObjectNode object = Api.object();
        attributes.forEach(entry -> object.set(entry.path("key").asText(), value(entry.path("value"))));
        return object;
    }

    private static JsonNode value(JsonNode any) {
        if (any.has("array_value")) {
            ArrayNode list = Api.JSON.createArrayNode();
            any.path("array_value").path("values").forEach(element -> list.add(value(element)));
            return list;
        }
        if (any.has("kvlist_value")) {
            return plain(any.path("kvlist_value").path("values"));
        }
        return any.isEmpty() ? Api.JSON.nullNode() : any.iterator().next();
    }
}
