package dev.tidemill.wires.otlp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.TraceSpan;
import dev.tidemill.tracking.domain.Traces;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads OTLP's export requests, in protobuf or JSON, as the spans of traces. */
public final class OtlpSpans {
    private static final String TAG_PREFIX = "mlflow.traceTag.";
    private static final int TAG_NAME = 250;
    /** Fields of OTLP's JSON that hold hexadecimal digits, where protobuf's JSON has base64. */
    private static final List<String> IDS = List.of("traceId", "spanId", "parentSpanId");

    private OtlpSpans() {}

    static List<Traces.Spans> ofProtobuf(byte[] body) {
        try {
            return traces(ExportTraceServiceRequest.parseFrom(body));
        } catch (InvalidProtocolBufferException e) {
            throw malformed(e);
        }
    }

    static List<Traces.Spans> ofJson(byte[] body) {
        ObjectNode json;
        try {
            json = Json.parseObject(body);
        } catch (TidemillException e) {
            throw malformed(e);
        }
        asBase64(json);
        var request = ExportTraceServiceRequest.newBuilder();
        try {
            JsonFormat.parser().ignoringUnknownFields().merge(Json.write(json), request);
        } catch (InvalidProtocolBufferException e) {
            throw malformed(e);
        }
        return traces(request.build());
    }

    /** Reads a list of spans as {@link TraceSpan#content} holds them. */
    public static List<TraceSpan> kept(JsonNode list) {
        var spans = new ArrayList<TraceSpan>();
        for (JsonNode one : list) {
            Span.Builder span = Span.newBuilder();
            try {
                JsonFormat.parser().ignoringUnknownFields().merge(Json.write(one), span);
            } catch (InvalidProtocolBufferException e) {
                throw TidemillException.invalid("spans", "A span is not as OTLP's JSON writes it: " + e.getMessage())
                        .causedBy(e);
            }
            Span built = span.build();
            spans.add(span(built, attributes(built)));
        }
        return spans;
    }

    private static OtlpRefusal malformed(Exception cause) {
        var refusal = new OtlpRefusal(400, "Invalid OpenTelemetry format");
        refusal.initCause(cause);
        return refusal;
    }

    private static void asBase64(JsonNode node) {
        if (node instanceof ObjectNode object) {
            for (String field : IDS) {
                String digits = object.path(field).asText("");
                if (!digits.isEmpty()) {
                    try {
                        object.put(
                                field,
                                Base64.getEncoder()
                                        .encodeToString(HexFormat.of().parseHex(digits)));
                    } catch (IllegalArgumentException e) {
                        throw malformed(e);
                    }
                }
            }
        }
        node.forEach(OtlpSpans::asBase64);
    }

    private static List<Traces.Spans> traces(ExportTraceServiceRequest request) {
        Map<String, List<Span>> byTrace = new LinkedHashMap<>();
        Map<String, Map<String, String>> resources = new HashMap<>();
        for (ResourceSpans resource : request.getResourceSpansList()) {
            Map<String, String> tags = resourceTags(resource.getResource().getAttributesList());
            resource.getScopeSpansList().stream()
                    .flatMap(scope -> scope.getSpansList().stream())
                    .forEach(span -> {
                        String id = traceId(span);
                        byTrace.computeIfAbsent(id, trace -> new ArrayList<>()).add(span);
                        if (!tags.isEmpty()) {
                            resources.putIfAbsent(id, tags);
                        }
                    });
        }
        if (request.getResourceSpansCount() == 0) {
            throw new OtlpRefusal(400, "Invalid OpenTelemetry format - no spans found");
        }
        return byTrace.entrySet().stream()
                .map(entry -> trace(entry.getKey(), entry.getValue(), resources.getOrDefault(entry.getKey(), Map.of())))
                .toList();
    }

    /** What a maker of spans says of itself, such as {@code service.name}, without what only its library says. */
    private static Map<String, String> resourceTags(List<KeyValue> attributes) {
        var tags = new TreeMap<String, String>();
        for (KeyValue attribute : attributes) {
            String name = attribute.getKey();
            if (isTag(name) && !name.startsWith("telemetry.sdk.") && !name.startsWith("mlflow.")) {
                AnyValue value = attribute.getValue();
                tags.put(name, value.hasStringValue() ? value.getStringValue() : Json.write(tree(value)));
            }
        }
        return tags;
    }

    /** Spans are kept though what they say besides is no tag. */
    private static boolean isTag(String name) {
        return !name.isEmpty() && name.length() <= TAG_NAME;
    }

    private static String traceId(Span span) {
        if (span.getTraceId().size() != 16 || span.getSpanId().size() != 8) {
            throw new OtlpRefusal(422, "Cannot convert OpenTelemetry span to MLflow span");
        }
        return "tr-" + hex(span.getTraceId());
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    private static Traces.Spans trace(String id, List<Span> told, Map<String, String> resource) {
        var spans = new ArrayList<TraceSpan>();
        var tags = new TreeMap<String, String>();
        var metadata = new TreeMap<String, String>();
        String request = "";
        String response = "";
        for (Span sent : told) {
            Span span = SpanConventions.translated(sent);
            Map<String, String> attributes = attributes(span);
            spans.add(span(span, attributes));
            Optional.ofNullable(attributes.get("session.id"))
                    .or(() -> Optional.ofNullable(attributes.get("gen_ai.conversation.id")))
                    .ifPresent(session -> metadata.putIfAbsent(Trace.SESSION_METADATA, session));
            Optional.ofNullable(attributes.get("user.id"))
                    .ifPresent(user -> metadata.putIfAbsent("mlflow.trace.user", user));
            if (span.getParentSpanId().isEmpty()) {
                request = preview(span, SpanConventions.INPUTS, "user");
                response = preview(span, SpanConventions.OUTPUTS, "assistant");
                attributes.forEach((name, value) -> {
                    if (name.startsWith(TAG_PREFIX) && isTag(name.substring(TAG_PREFIX.length()))) {
                        tags.put(name.substring(TAG_PREFIX.length()), value);
                    }
                });
            }
        }
        return new Traces.Spans(id, spans, request, response, resource, tags, metadata);
    }

    private static String preview(Span span, String attribute, String role) {
        return span.getAttributesList().stream()
                .filter(entry -> entry.getKey().equals(attribute))
                .map(entry -> TracePreview.of(tree(entry.getValue()), role))
                .findFirst()
                .orElse("");
    }

    private static TraceSpan span(Span span, Map<String, String> attributes) {
        return new TraceSpan(
                hex(span.getSpanId()),
                span.getParentSpanId().isEmpty() ? Optional.empty() : Optional.of(hex(span.getParentSpanId())),
                span.getName(),
                attributes.getOrDefault(SpanConventions.TYPE, "UNKNOWN"),
                status(span.getStatus().getCode()),
                span.getStartTimeUnixNano(),
                span.getEndTimeUnixNano() == 0 ? Optional.empty() : Optional.of(span.getEndTimeUnixNano()),
                Json.write(attributes),
                content(span));
    }

    private static String status(StatusCode code) {
        return switch (code) {
            case STATUS_CODE_OK -> "OK";
            case STATUS_CODE_ERROR -> "ERROR";
            default -> "UNSET";
        };
    }

    /** The span as MLflow's server writes it: fields by their names, whole numbers as numbers. */
    private static String content(Span span) {
        try {
            JsonNode json = Json.read(JsonFormat.printer()
                    .preservingProtoFieldNames()
                    .omittingInsignificantWhitespace()
                    .print(span));
            wholeNumbers(json);
            return Json.write(json);
        } catch (InvalidProtocolBufferException e) {
            throw malformed(e);
        }
    }

    private static void wholeNumbers(JsonNode node) {
        if (node instanceof ObjectNode object) {
            for (String field : List.of("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano", "int_value")) {
                if (object.path(field).isTextual()) {
                    object.put(
                            field,
                            Long.parseUnsignedLong(
                                    object.path(field).textValue().replaceFirst("^-.*", "0")));
                }
            }
        }
        node.forEach(OtlpSpans::wholeNumbers);
    }

    private static Map<String, String> attributes(Span span) {
        var attributes = new TreeMap<String, String>();
        for (KeyValue entry : span.getAttributesList()) {
            AnyValue value = entry.getValue();
            attributes.put(
                    entry.getKey(),
                    value.hasStringValue() ? unquoted(value.getStringValue()) : Json.write(tree(value)));
        }
        return attributes;
    }

    /** Some clients send texts as JSON. */
    private static String unquoted(String text) {
        if (text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")) {
            try {
                return Json.objectMapper().readTree(text).asText(text);
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                return text;
            }
        }
        return text;
    }

    private static JsonNode tree(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> Json.tree(value.getStringValue());
            case BOOL_VALUE -> Json.tree(value.getBoolValue());
            case INT_VALUE -> Json.tree(value.getIntValue());
            case DOUBLE_VALUE -> Json.tree(value.getDoubleValue());
            case BYTES_VALUE ->
                Json.tree(
                        Base64.getEncoder().encodeToString(value.getBytesValue().toByteArray()));
            case ARRAY_VALUE -> {
                ArrayNode list = Json.array();
                value.getArrayValue().getValuesList().forEach(element -> list.add(tree(element)));
                yield list;
            }
            case KVLIST_VALUE -> {
                ObjectNode object = Json.object();
                value.getKvlistValue()
                        .getValuesList()
                        .forEach(entry -> object.set(entry.getKey(), tree(entry.getValue())));
                yield object;
            }
            default -> Json.objectMapper().nullNode();
        };
    }
}
