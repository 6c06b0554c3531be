package dev.tidemill.wires.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.tracking.domain.TraceSpan;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Expected values are those that MLflow's own server gave for the same spans; e2e/mlflow_scenarios.py compares them live. */
class SpanConventionsTest {
    /** The attributes that are added, as text. */
    private static Map<String, String> added(Map<String, Object> told) {
        Span.Builder span = Span.newBuilder().setName("call");
        told.forEach((name, value) ->
                span.addAttributes(KeyValue.newBuilder().setKey(name).setValue(value(value))));
        var added = new TreeMap<String, String>();
        for (KeyValue entry : SpanConventions.translated(span.build()).getAttributesList()) {
            if (!told.containsKey(entry.getKey())) {
                added.put(entry.getKey(), shown(entry.getValue()));
            }
        }
        return added;
    }

    private static AnyValue value(Object value) {
        AnyValue.Builder any = AnyValue.newBuilder();
        return (value instanceof Integer number ? any.setIntValue(number) : any.setStringValue(String.valueOf(value)))
                .build();
    }

    private static String shown(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case INT_VALUE -> Long.toString(value.getIntValue());
            case KVLIST_VALUE -> {
                var shown = new TreeMap<String, String>();
                value.getKvlistValue()
                        .getValuesList()
                        .forEach(entry -> shown.put(entry.getKey(), shown(entry.getValue())));
                yield shown.toString();
            }
            case ARRAY_VALUE ->
                value.getArrayValue().getValuesList().stream()
                        .map(SpanConventionsTest::shown)
                        .toList()
                        .toString();
            default -> value.getValueCase().name();
        };
    }

    @Test
    void genAi() {
        assertThat(added(Map.of(
                        "gen_ai.operation.name", "chat",
                        "gen_ai.output.messages", "hello",
                        "gen_ai.usage.input_tokens", 3,
                        "gen_ai.usage.output_tokens", "4",
                        "gen_ai.request.model", "m1",
                        "gen_ai.provider.name", "acme")))
                .isEqualTo(Map.of(
                        SpanConventions.TYPE,
                        "CHAT_MODEL",
                        SpanConventions.OUTPUTS,
                        "hello",
                        TraceSpan.USAGE,
                        "{input_tokens=3, output_tokens=4, total_tokens=7}",
                        "mlflow.llm.model",
                        "m1",
                        "mlflow.llm.provider",
                        "acme"));
    }

    @Test
    void openInference() {
        assertThat(added(Map.of(
                        "openinference.span.kind",
                        "RETRIEVER",
                        "input.value",
                        "{\"a\": 1}",
                        "llm.token_count.prompt",
                        5,
                        "llm.token_count.total",
                        12)))
                .isEqualTo(Map.of(
                        SpanConventions.TYPE, "RETRIEVER",
                        SpanConventions.INPUTS, "{a=1}",
                        TraceSpan.USAGE, "{input_tokens=5, total_tokens=12}"));
    }

    @Test
    void traceloop() {
        assertThat(added(Map.of(
                        "traceloop.span.kind", "workflow",
                        "gen_ai.prompt.0.content", "p",
                        "gen_ai.completion.0.content", "c",
                        "gen_ai.system", "acme")))
                .isEqualTo(Map.of(
                        SpanConventions.TYPE,
                        "WORKFLOW",
                        SpanConventions.INPUTS,
                        "p",
                        SpanConventions.OUTPUTS,
                        "c",
                        "mlflow.llm.provider",
                        "acme"));
    }

    @Test
    void messagesThatCameAsEventsAndTheModelThatARequestNames() {
        Span.Builder span = Span.newBuilder().setName("call");
        event(span, "gen_ai.system.message", "content", "be kind");
        event(span, "gen_ai.user.message", "content", "hello?");
        event(span, "gen_ai.choice", "content", "hello!");
        assertThat(shown(span.build(), SpanConventions.INPUTS))
                .isEqualTo("[{content=be kind, role=system}, {content=hello?, role=user}]");
        assertThat(shown(span.build(), SpanConventions.OUTPUTS)).isEqualTo("[{content=hello!, role=assistant}]");
        Span.Builder whole = Span.newBuilder().setName("call");
        event(whole, "gen_ai.content.prompt", "gen_ai.prompt", "asked");
        event(whole, "gen_ai.content.completion", "gen_ai.completion", "answered");
        assertThat(shown(whole.build(), SpanConventions.INPUTS)).isEqualTo("asked");
        assertThat(shown(whole.build(), SpanConventions.OUTPUTS)).isEqualTo("answered");
        assertThat(added(Map.of(SpanConventions.INPUTS, "{\"model\": \"m3\"}")))
                .isEqualTo(Map.of("mlflow.llm.model", "m3"));
        assertThat(added(Map.of(SpanConventions.OUTPUTS, "{\"model\": 3}"))).isEmpty();
    }

    @Test
    void objectsAndListsThatCameAsJsonAreReadAndNumbersInATextStayOne() {
        for (var told : Map.of(
                        "{\"a\": [1]}", "{a=[1]}", "[\"x\"]", "[x]", "\"text\"", "text", "12", "12", "true", "true")
                .entrySet()) {
            Span span = Span.newBuilder()
                    .addAttributes(KeyValue.newBuilder().setKey("k").setValue(value(told.getKey())))
                    .build();
            assertThat(shown(span, "k")).isEqualTo(told.getValue());
            assertThat(SpanConventions.translated(span)
                            .getAttributes(0)
                            .getValue()
                            .hasStringValue())
                    .isEqualTo(!told.getValue().matches("[{\\[].*"));
        }
    }

    @Test
    void whatAValueCannotHoldStaysAText() {
        for (String told : List.of(
                "{\"n\": 1180591620717411303424}",
                "[".repeat(40) + "]".repeat(40),
                "[1] Paris is the capital",
                "\"Yes\", she said",
                "{\"a\": 1}\n{\"a\": 2}",
                "[1e999]",
                "[0.12345678901234567890123]")) {
            assertThat(shown(
                            Span.newBuilder()
                                    .addAttributes(
                                            KeyValue.newBuilder().setKey("k").setValue(value(told)))
                                    .build(),
                            "k"))
                    .isEqualTo(told);
        }
    }

    private static void event(Span.Builder span, String name, String attribute, String value) {
        span.addEvents(Span.Event.newBuilder()
                .setName(name)
                .addAttributes(KeyValue.newBuilder().setKey(attribute).setValue(value(value))));
    }

    private static String shown(Span span, String attribute) {
        return SpanConventions.translated(span).getAttributesList().stream()
                .filter(entry -> entry.getKey().equals(attribute))
                .map(entry -> shown(entry.getValue()))
                .findFirst()
                .orElse("none");
    }

    @Test
    void whatIsSaidInMlflowsWordsStaysAndWhatSaysNothingAddsNothing() {
        assertThat(added(Map.of(SpanConventions.TYPE, "TOOL", "openinference.span.kind", "LLM", "input.value", "{}")))
                .isEmpty();
        assertThat(added(Map.of("openinference.span.kind", "WHAT", "llm.token_count.prompt", "many", "k", "v")))
                .isEmpty();
    }
}
