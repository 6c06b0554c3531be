package dev.tidemill.wires.otlp;

import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.ArrayValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.common.v1.KeyValueList;
import io.opentelemetry.proto.trace.v1.Span;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;

/**
 * What was asked and answered, where a span tells it by events: OpenTelemetry's GenAI conventions tell one message an event, those of
 * Spring AI the whole of it.
 */
final class SpanMessages {
    private static final Map<String, String> ASKED = Map.of(
            "gen_ai.system.message", "system",
            "gen_ai.user.message", "user",
            "gen_ai.assistant.message", "assistant");
    private static final Map<String, String> ANSWERED = Map.of("gen_ai.choice", "assistant");
    private static final String CONTENT = "content";
    private static final String ROLE = "role";

    private SpanMessages() {}

    static Optional<AnyValue> asked(Span span) {
        return whole(span, "gen_ai.content.prompt", "gen_ai.prompt").or(() -> messages(span, ASKED));
    }

    static Optional<AnyValue> answered(Span span) {
        return whole(span, "gen_ai.content.completion", "gen_ai.completion").or(() -> messages(span, ANSWERED));
    }

    private static Optional<AnyValue> whole(Span span, String event, String attribute) {
        return span.getEventsList().stream()
                .filter(one -> one.getName().equals(event))
                .flatMap(one -> attribute(one, attribute).stream())
                .findFirst();
    }

    private static Optional<AnyValue> attribute(Span.Event event, String name) {
        return event.getAttributesList().stream()
                .filter(entry -> entry.getKey().equals(name))
                .map(entry -> SpanConventions.decoded(entry.getValue()))
                .filter(value -> !SpanConventions.empty(value))
                .findFirst();
    }

    /** @param roles by the name of the event; one that an answer's event tells itself goes before */
    private static Optional<AnyValue> messages(Span span, Map<String, String> roles) {
        var messages = new ArrayList<AnyValue>();
        for (Span.Event event : span.getEventsList()) {
            String role = roles.get(event.getName());
            Optional<AnyValue> content = attribute(event, CONTENT);
            if (role != null && content.isPresent()) {
                AnyValue usual = text(role);
                AnyValue said = roles == ANSWERED ? attribute(event, ROLE).orElse(usual) : usual;
                messages.add(object(ROLE, said, CONTENT, content.get()));
            }
        }
        return messages.isEmpty()
                ? Optional.empty()
                : Optional.of(AnyValue.newBuilder()
                        .setArrayValue(ArrayValue.newBuilder().addAllValues(messages))
                        .build());
    }

    private static AnyValue text(String text) {
        return AnyValue.newBuilder().setStringValue(text).build();
    }

    private static AnyValue object(String first, AnyValue one, String second, AnyValue other) {
        return AnyValue.newBuilder()
                .setKvlistValue(KeyValueList.newBuilder()
                        .addValues(KeyValue.newBuilder().setKey(first).setValue(one))
                        .addValues(KeyValue.newBuilder().setKey(second).setValue(other)))
                .build();
    }
}
