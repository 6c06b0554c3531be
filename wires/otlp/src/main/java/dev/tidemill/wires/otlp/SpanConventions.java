package dev.tidemill.wires.otlp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.TraceSpan;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.ArrayValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.common.v1.KeyValueList;
import io.opentelemetry.proto.trace.v1.Span;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Says in MLflow's attributes what instrumentations of other makers say in theirs: OpenInference, OpenTelemetry's GenAI conventions,
 * Traceloop's OpenLLMetry, and Google's ADK. What a span says in MLflow's own attributes stays as it is.
 */
final class SpanConventions {
    static final String TYPE = "mlflow.spanType";
    static final String INPUTS = "mlflow.spanInputs";
    static final String OUTPUTS = "mlflow.spanOutputs";
    private static final String MODEL = "mlflow.llm.model";
    private static final String PROVIDER = "mlflow.llm.provider";
    private static final String UNKNOWN = "UNKNOWN";
    /** Protobuf's readers take 100 messages within each other; a level of JSON is three of them. */
    private static final int DEEPEST = 25;

    /** Names of attributes by what they tell; the first that is there counts. A name may be a pattern. */
    private record Convention(
            String kind,
            Map<String, String> types,
            List<Pattern> inputs,
            List<Pattern> outputs,
            Tokens tokens,
            List<Pattern> models,
            String provider) {}

    private record Tokens(String input, String output, String total, String cacheRead, List<String> cacheWrite) {}

    private static final List<Convention> CONVENTIONS = List.of(
            new Convention(
                    "openinference.span.kind",
                    same(
                            "TOOL",
                            "CHAIN",
                            "LLM",
                            "RETRIEVER",
                            "EMBEDDING",
                            "AGENT",
                            "RERANKER",
                            UNKNOWN,
                            "GUARDRAIL",
                            "EVALUATOR"),
                    names("input.value"),
                    names("output.value"),
                    new Tokens(
                            "llm.token_count.prompt",
                            "llm.token_count.completion",
                            "llm.token_count.total",
                            "llm.token_count.prompt_details.cache_read",
                            List.of("llm.token_count.prompt_details.cache_write")),
                    names(
                            "llm.response.model_name",
                            "llm.model_name",
                            "llm.request.model_name",
                            "embedding.model_name"),
                    "llm.provider"),
            new Convention(
                    "gen_ai.operation.name",
                    Map.of(
                            "chat", "CHAT_MODEL",
                            "create_agent", "AGENT",
                            "invoke_agent", "AGENT",
                            "embeddings", "EMBEDDING",
                            "execute_tool", "TOOL",
                            "generate_content", "LLM",
                            "text_completion", "LLM",
                            "response", "LLM"),
                    names("gen_ai.input.messages", "gen_ai.tool.call.arguments"),
                    names("gen_ai.output.messages", "gen_ai.tool.call.result"),
                    new Tokens(
                            "gen_ai.usage.input_tokens",
                            "gen_ai.usage.output_tokens",
                            "",
                            "gen_ai.usage.cache_read.input_tokens",
                            List.of(
                                    "gen_ai.usage.cache_write.input_tokens",
                                    "gen_ai.usage.cache_creation.input_tokens")),
                    names("gen_ai.response.model", "gen_ai.request.model"),
                    "gen_ai.provider.name"),
            new Convention(
                    "traceloop.span.kind",
                    Map.of(
                            "workflow",
                            "WORKFLOW",
                            "task",
                            "TASK",
                            "agent",
                            "AGENT",
                            "tool",
                            "TOOL",
                            "unknown",
                            UNKNOWN),
                    List.of(
                            name("traceloop.entity.input"),
                            Pattern.compile("gen_ai\\.prompt\\.\\d+\\.content"),
                            Pattern.compile("gen_ai\\.completion\\.\\d+\\.tool_calls\\.\\d+\\.arguments")),
                    List.of(name("traceloop.entity.output"), Pattern.compile("gen_ai\\.completion\\.\\d+\\.content")),
                    new Tokens(
                            "gen_ai.usage.prompt_tokens",
                            "gen_ai.usage.completion_tokens",
                            "llm.usage.total_tokens",
                            "",
                            List.of()),
                    List.of(),
                    "gen_ai.system"),
            new Convention(
                    "",
                    Map.of(),
                    names("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
                    names("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"),
                    new Tokens("", "", "", "", List.of()),
                    List.of(),
                    ""));

    private SpanConventions() {}

    private static Map<String, String> same(String... kinds) {
        return List.of(kinds).stream().collect(java.util.stream.Collectors.toMap(kind -> kind, kind -> kind));
    }

    private static Pattern name(String name) {
        return Pattern.compile(Pattern.quote(name));
    }

    private static List<Pattern> names(String... names) {
        return List.of(names).stream().map(SpanConventions::name).toList();
    }

    /** The span with what it tells said in MLflow's attributes too, and objects, lists and quoted texts that came as JSON as such. */
    static Span translated(Span sent) {
        Span span = plain(sent);
        Map<String, AnyValue> told = new LinkedHashMap<>();
        span.getAttributesList().forEach(entry -> told.put(entry.getKey(), entry.getValue()));
        Map<String, AnyValue> added = new LinkedHashMap<>();
        if (!told.containsKey(TYPE) || text(told.get(TYPE)).equals(UNKNOWN)) {
            first(convention -> type(convention, told)).ifPresent(type -> added.put(TYPE, ofText(type)));
        }
        add(
                INPUTS,
                told,
                added,
                first(convention -> found(convention.inputs(), told)).or(() -> SpanMessages.asked(span)));
        add(
                OUTPUTS,
                told,
                added,
                first(convention -> found(convention.outputs(), told)).or(() -> SpanMessages.answered(span)));
        add(TraceSpan.USAGE, told, added, first(convention -> usage(convention.tokens(), told)));
        add(
                MODEL,
                told,
                added,
                first(convention -> found(convention.models(), told))
                        .or(() -> modelOf(INPUTS, told, added))
                        .or(() -> modelOf(OUTPUTS, told, added)));
        add(PROVIDER, told, added, first(convention -> found(names(convention.provider()), told)));
        if (added.isEmpty()) {
            return span;
        }
        Span.Builder all = span.toBuilder().clearAttributes();
        span.getAttributesList().stream()
                .filter(entry -> !added.containsKey(entry.getKey()))
                .forEach(all::addAttributes);
        added.forEach((name, value) ->
                all.addAttributes(KeyValue.newBuilder().setKey(name).setValue(value)));
        return all.build();
    }

    /** The model that a request or an answer names itself. */
    private static Optional<AnyValue> modelOf(String part, Map<String, AnyValue> told, Map<String, AnyValue> added) {
        AnyValue value = told.getOrDefault(part, added.get(part));
        return value == null
                ? Optional.empty()
                : decoded(value).getKvlistValue().getValuesList().stream()
                        .filter(entry -> entry.getKey().equals("model"))
                        .map(KeyValue::getValue)
                        .filter(model -> model.hasStringValue() && !empty(model))
                        .findFirst();
    }

    private static void add(
            String name, Map<String, AnyValue> told, Map<String, AnyValue> added, Optional<AnyValue> value) {
        if (!told.containsKey(name)) {
            value.ifPresent(found -> added.put(name, found));
        }
    }

    /** Some clients write every value as JSON in a text; a number or a word within one stays a text, since it may be meant so. */
    private static Span plain(Span sent) {
        Span.Builder span = sent.toBuilder();
        for (KeyValue.Builder entry : span.getAttributesBuilderList()) {
            AnyValue value = decoded(entry.getValue());
            if (value.hasKvlistValue() || value.hasArrayValue() || value.hasStringValue()) {
                entry.setValue(value);
            }
        }
        return span.build();
    }

    private static <T> Optional<T> first(Function<Convention, Optional<T>> ask) {
        return CONVENTIONS.stream().map(ask).flatMap(Optional::stream).findFirst();
    }

    private static Optional<String> type(Convention convention, Map<String, AnyValue> told) {
        return Optional.ofNullable(told.get(convention.kind()))
                .flatMap(kind -> Optional.ofNullable(convention.types().get(text(kind))));
    }

    /** The first attribute that holds something; a text that is JSON is what it says. */
    private static Optional<AnyValue> found(List<Pattern> names, Map<String, AnyValue> told) {
        return names.stream()
                .flatMap(name -> told.entrySet().stream()
                        .filter(entry -> name.matcher(entry.getKey()).matches()))
                .map(entry -> decoded(entry.getValue()))
                .filter(value -> !empty(value))
                .findFirst();
    }

    static boolean empty(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue().isEmpty();
            case INT_VALUE -> value.getIntValue() == 0;
            case DOUBLE_VALUE -> value.getDoubleValue() == 0;
            case BOOL_VALUE -> !value.getBoolValue();
            case ARRAY_VALUE -> value.getArrayValue().getValuesCount() == 0;
            case KVLIST_VALUE -> value.getKvlistValue().getValuesCount() == 0;
            default -> true;
        };
    }

    private static Optional<AnyValue> usage(Tokens names, Map<String, AnyValue> told) {
        OptionalLong input = count(names.input(), told);
        OptionalLong output = count(names.output(), told);
        OptionalLong total = count(names.total(), told);
        if (input.isEmpty() && output.isEmpty() && total.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode usage = Json.object();
        input.ifPresent(tokens -> usage.put("input_tokens", tokens));
        output.ifPresent(tokens -> usage.put("output_tokens", tokens));
        if (total.isPresent()) {
            usage.put("total_tokens", total.getAsLong());
        } else if (input.isPresent() && output.isPresent()) {
            usage.put("total_tokens", input.getAsLong() + output.getAsLong());
        }
        count(names.cacheRead(), told).ifPresent(tokens -> usage.put("cache_read_input_tokens", tokens));
        names.cacheWrite().stream()
                .map(name -> count(name, told))
                .filter(OptionalLong::isPresent)
                .findFirst()
                .ifPresent(tokens -> usage.put("cache_creation_input_tokens", tokens.getAsLong()));
        return Optional.of(value(usage));
    }

    /** A number of tokens; some instrumentations send it as text. */
    private static OptionalLong count(String name, Map<String, AnyValue> told) {
        AnyValue value = told.get(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        AnyValue number = decoded(value);
        return number.hasIntValue() ? OptionalLong.of(number.getIntValue()) : OptionalLong.empty();
    }

    private static String text(AnyValue value) {
        AnyValue plain = decoded(value);
        return plain.hasStringValue() ? plain.getStringValue() : "";
    }

    /** A text that is JSON as what it says. */
    static AnyValue decoded(AnyValue value) {
        if (!value.hasStringValue()) {
            return value;
        }
        String text = value.getStringValue().strip();
        boolean json =
                !text.isEmpty() && ("{[\"-tfn".indexOf(text.charAt(0)) >= 0 || Character.isDigit(text.charAt(0)));
        if (!json) {
            return value;
        }
        return Json.whole(text)
                .filter(read -> isKept(read, DEEPEST))
                .map(SpanConventions::value)
                .orElse(value);
    }

    /** Whether a value of OpenTelemetry's holds all of it, and protobuf's readers go as deep. */
    private static boolean isKept(JsonNode json, int levels) {
        if (levels == 0 || (json.isIntegralNumber() && !json.canConvertToLong())) {
            return false;
        }
        if (json.isFloatingPointNumber() && !isKept(json.doubleValue(), json.decimalValue())) {
            return false;
        }
        for (JsonNode inner : json) {
            if (!isKept(inner, levels - 1)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isKept(double held, BigDecimal told) {
        return Double.isFinite(held) && BigDecimal.valueOf(held).compareTo(told) == 0;
    }

    private static AnyValue ofText(String text) {
        return AnyValue.newBuilder().setStringValue(text).build();
    }

    static AnyValue value(JsonNode json) {
        AnyValue.Builder value = AnyValue.newBuilder();
        switch (json.getNodeType()) {
            case STRING -> value.setStringValue(json.textValue());
            case BOOLEAN -> value.setBoolValue(json.booleanValue());
            case NUMBER -> {
                if (json.isIntegralNumber() && json.canConvertToLong()) {
                    value.setIntValue(json.longValue());
                } else {
                    value.setDoubleValue(json.doubleValue());
                }
            }
            case ARRAY -> {
                ArrayValue.Builder list = ArrayValue.newBuilder();
                json.forEach(element -> list.addValues(value(element)));
                value.setArrayValue(list);
            }
            case OBJECT -> {
                KeyValueList.Builder list = KeyValueList.newBuilder();
                json.properties()
                        .forEach(entry -> list.addValues(
                                KeyValue.newBuilder().setKey(entry.getKey()).setValue(value(entry.getValue()))));
                value.setKvlistValue(list);
            }
            default -> value.clear();
        }
        return value.build();
    }
}
