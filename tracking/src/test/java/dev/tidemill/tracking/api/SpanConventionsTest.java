package dev.tidemill.tracking.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.tracking.domain.TraceSpan;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
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
    void whatIsSaidInMlflowsWordsStaysAndWhatSaysNothingAddsNothing() {
        assertThat(added(Map.of(SpanConventions.TYPE, "TOOL", "openinference.span.kind", "LLM", "input.value", "{}")))
                .isEmpty();
        assertThat(added(Map.of("openinference.span.kind", "WHAT", "llm.token_count.prompt", "many", "k", "v")))
                .isEmpty();
    }
}
