package dev.tidemill.wires.mlflow.traces;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.Assessment.Judgement;
import dev.tidemill.tracking.domain.Assessment.Kind;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.TraceStore;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.tracking.MlflowTrackingJson;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** MLflow's messages about traces and assessments. */
public final class MlflowTraceJson {
    private static final String JSON_FORMAT = "JSON_FORMAT";
    private static final List<String> SOURCES = List.of("HUMAN", "LLM_JUDGE", "CODE", "SOURCE_TYPE_UNSPECIFIED");
    /** What is kept of a judgement; MLflow's messages have nothing else. */
    private static final Map<Kind, List<String>> FIELDS = Map.of(
            Kind.FEEDBACK, List.of("value", "error"),
            Kind.EXPECTATION, List.of("value", "serialized_value"),
            Kind.ISSUE, List.of("issue_name"));

    private MlflowTraceJson() {}

    static ObjectNode info(Trace trace) {
        ObjectNode json = Json.object().put("trace_id", trace.id());
        trace.clientRequestId().ifPresent(id -> json.put("client_request_id", id));
        json.putObject("trace_location")
                .put("type", "MLFLOW_EXPERIMENT")
                .putObject("mlflow_experiment")
                .put("experiment_id", Long.toString(trace.experimentId()));
        if (!trace.requestPreview().isEmpty()) {
            json.put("request_preview", trace.requestPreview());
        }
        if (!trace.responsePreview().isEmpty()) {
            json.put("response_preview", trace.responsePreview());
        }
        json.put("request_time", timestamp(trace.requestedAt()));
        trace.executionMillis().ifPresent(millis -> json.put("execution_duration", duration(millis)));
        json.put("state", trace.state().name());
        json.set("trace_metadata", Json.tree(trace.metadata()));
        json.set("tags", Json.tree(trace.tags()));
        if (!trace.assessments().isEmpty()) {
            var list = json.putArray("assessments");
            trace.assessments().forEach(assessment -> list.add(assessment(assessment)));
        }
        return json;
    }

    /** As protobuf's JSON: no digits, three, six or nine of them after the point. */
    private static String timestamp(Instant time) {
        return time.toString();
    }

    private static String duration(long millis) {
        return millis % 1000 == 0
                ? millis / 1000 + "s"
                : String.format(java.util.Locale.ROOT, "%d.%03ds", millis / 1000, millis % 1000);
    }

    static ObjectNode infoOnly(Trace trace) {
        ObjectNode json = Json.object();
        json.putObject("trace").set("trace_info", info(trace));
        return json;
    }

    static ObjectNode withSpans(TraceStore.Whole trace) {
        ObjectNode json = Json.object();
        json.set("trace_info", info(trace.trace()));
        if (!trace.spans().isEmpty()) {
            var list = json.putArray("spans");
            trace.spans().forEach(span -> list.add(Json.read(span.content())));
        }
        return json;
    }

    /** A trace as clients before 3.0 read it. */
    static ObjectNode older(Trace trace) {
        ObjectNode json = Json.object()
                .put("request_id", trace.id())
                .put("experiment_id", Long.toString(trace.experimentId()))
                .put("timestamp_ms", trace.requestedAt().toEpochMilli());
        json.put("execution_time_ms", trace.executionMillis().orElse(0L));
        json.put(
                "status",
                trace.state() == Trace.State.STATE_UNSPECIFIED
                        ? "TRACE_STATUS_UNSPECIFIED"
                        : trace.state().name());
        json.set("request_metadata", MlflowTrackingJson.entries(trace.metadata()));
        json.set("tags", MlflowTrackingJson.entries(trace.tags()));
        return json;
    }

    /** Reads what a client tells of a trace. */
    public static Trace read(String project, MlflowRequest info) {
        String id = info.text("trace_id");
        if (id.length() > 250) {
            throw TidemillException.invalid("trace_id", "'trace_id' exceeds the maximum length of 250 characters");
        }
        JsonNode location = info.node("trace_location").path("mlflow_experiment");
        var assessments = new ArrayList<Assessment>();
        for (MlflowRequest assessment : info.messages("assessments")) {
            assessments.add(assessment(id, assessment));
        }
        return new Trace(
                id,
                project,
                whole("experiment_id", location.path("experiment_id").asText("")),
                state(info.optionalText("state")),
                time(info.optionalText("request_time"), "request_time"),
                info.optionalText("execution_duration").map(MlflowTraceJson::millis),
                info.optionalText("client_request_id"),
                info.anyText("request_preview"),
                info.anyText("response_preview"),
                texts(info.node("tags")),
                texts(info.node("trace_metadata")),
                assessments);
    }

    public static long whole(String field, String text) {
        if (!text.matches("\\d{1,18}")) {
            throw TidemillException.invalid(
                    field, "Invalid experiment ID '" + text + "'. Experiment ID must be a valid integer.");
        }
        return Long.parseLong(text);
    }

    static Trace.State state(Optional<String> text) {
        try {
            return text.map(Trace.State::valueOf).orElse(Trace.State.STATE_UNSPECIFIED);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("state", "Invalid trace state: '" + text.orElse("") + "'");
        }
    }

    private static Instant time(Optional<String> text, String field) {
        try {
            return text.map(Instant::parse).orElse(Instant.EPOCH);
        } catch (DateTimeException e) {
            throw TidemillException.invalid(
                    field, "'" + text.orElse("") + "' is not a time such as 2026-11-25T08:00:00Z");
        }
    }

    private static long millis(String duration) {
        if (!duration.matches("-?\\d{1,12}(\\.\\d{1,9})?s")) {
            throw TidemillException.invalid("execution_duration", "'" + duration + "' is not a duration such as 1.5s");
        }
        return new BigDecimal(duration.substring(0, duration.length() - 1))
                .movePointRight(3)
                .longValue();
    }

    static Map<String, String> texts(JsonNode object) {
        var texts = new TreeMap<String, String>();
        object.properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        return texts;
    }

    static ObjectNode assessment(Assessment assessment) {
        ObjectNode json = Json.object()
                .put("assessment_id", assessment.id())
                .put("assessment_name", assessment.name())
                .put("trace_id", assessment.traceId());
        assessment.spanId().ifPresent(span -> json.put("span_id", span));
        ObjectNode source = json.putObject("source").put("source_type", assessment.sourceType());
        if (!assessment.sourceId().isEmpty()) {
            source.put("source_id", assessment.sourceId());
        }
        json.put("create_time", timestamp(assessment.createdAt()))
                .put("last_update_time", timestamp(assessment.updatedAt()));
        json.set(assessment.kind().name().toLowerCase(java.util.Locale.ROOT), Json.read(assessment.content()));
        assessment.rationale().ifPresent(text -> json.put("rationale", text));
        if (!assessment.metadata().isEmpty()) {
            json.set("metadata", Json.tree(assessment.metadata()));
        }
        assessment.overrides().ifPresent(id -> json.put("overrides", id));
        return json.put("valid", assessment.valid());
    }

    static Assessment assessment(String traceId, MlflowRequest told) {
        Judgement judgement = judgement(told)
                .orElseThrow(() -> TidemillException.invalid("assessment", "Unknown assessment type: None"));
        JsonNode source = told.node("source");
        return new Assessment(
                told.anyText("assessment_id"),
                traceId,
                told.anyText("assessment_name"),
                judgement.kind(),
                judgement.value(),
                judgement.content(),
                told.optionalText("span_id"),
                sourceType(source.path("source_type").asText("SOURCE_TYPE_UNSPECIFIED")),
                source.path("source_id").asText(""),
                told.optionalText("rationale"),
                texts(told.node("metadata")),
                told.optionalText("overrides"),
                true,
                time(told.optionalText("create_time"), "create_time"),
                time(told.optionalText("last_update_time"), "last_update_time"));
    }

    private static String sourceType(String told) {
        if (!SOURCES.contains(told)) {
            throw TidemillException.invalid(
                    "source_type", "Invalid assessment source type: " + told + ". Valid source types: " + SOURCES);
        }
        return told;
    }

    /** The tag that names prompts, with more of them. */
    static String withPrompts(String known, Collection<ObjectNode> used) {
        var all = new LinkedHashSet<JsonNode>();
        if (!known.isEmpty()) {
            try {
                Json.objectMapper().readTree(known).forEach(all::add);
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                // What a client wrote there that names no prompts is replaced.
            }
        }
        all.addAll(used);
        return Json.write(all);
    }

    /** An expected value that is a list or an object travels as JSON in a text, as MLflow has it. */
    private static JsonNode serialized(JsonNode expectation) {
        JsonNode told = expectation.path("serialized_value");
        if (told.isObject()) {
            String format = told.path("serialization_format").asText("");
            if (!format.equals(JSON_FORMAT)) {
                throw TidemillException.invalid(
                        "serialized_value",
                        "Unknown serialization format: " + format + ". Only JSON_FORMAT is supported.");
            }
            try {
                Json.objectMapper().readTree(told.path("value").asText(""));
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                throw TidemillException.invalid("serialized_value", "The expectation's value is not JSON")
                        .causedBy(e);
            }
            return expectation;
        }
        JsonNode value = expectation.path("value");
        if (!value.isContainerNode()) {
            return expectation;
        }
        ObjectNode json = Json.object();
        json.putObject("serialized_value")
                .put("serialization_format", JSON_FORMAT)
                .put("value", Json.write(value));
        return json;
    }

    /** A value as protobuf's {@code Value} holds it: every number is a double, so that 3 and 3.0 are one value. */
    private static JsonNode doubles(JsonNode value) {
        if (value.isIntegralNumber()) {
            return Json.tree(value.doubleValue());
        }
        if (value instanceof ArrayNode list) {
            ArrayNode copy = Json.array();
            list.forEach(element -> copy.add(doubles(element)));
            return copy;
        }
        if (value instanceof ObjectNode object) {
            ObjectNode copy = Json.object();
            object.properties().forEach(entry -> copy.set(entry.getKey(), doubles(entry.getValue())));
            return copy;
        }
        return value;
    }

    static Optional<Judgement> judgement(MlflowRequest told) {
        for (Kind kind : Kind.values()) {
            JsonNode content = told.node(kind.name().toLowerCase(java.util.Locale.ROOT));
            if (content.isObject()) {
                content = ((ObjectNode) content.deepCopy()).retain(FIELDS.getOrDefault(kind, List.of()));
                JsonNode serialized = content.path("serialized_value").path("value");
                if (content.has("value")) {
                    content = ((ObjectNode) content).set("value", doubles(content.path("value")));
                }
                if (kind == Kind.EXPECTATION) {
                    content = serialized(content);
                }
                JsonNode value = kind == Kind.ISSUE ? content.path("issue_name") : content.path("value");
                String text = serialized.isTextual()
                        ? serialized.textValue()
                        : value.isMissingNode() ? "null" : Json.write(value);
                return Optional.of(new Judgement(kind, text, Json.write(content)));
            }
        }
        return Optional.empty();
    }
}
