package dev.tidemill.wires.otlp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.json.Json;
import java.util.ArrayList;
import java.util.List;

/** What lists show of a call's request or answer: what was said last in a chat, else the beginning of the value as JSON. */
final class TracePreview {
    private static final int LONGEST = 1000;

    private TracePreview() {}

    /**
     * The preview of a value.
     *
     * @param role whose message is shown, the last of all where there is none of that role
     */
    static String of(JsonNode value, String role) {
        String said = said(value, role);
        String shown = said.isEmpty() ? Json.write(value) : said;
        return shown.length() <= LONGEST ? shown : StorableText.cut(shown, LONGEST - 3) + "...";
    }

    private static String said(JsonNode value, String role) {
        List<JsonNode> messages = messages(value);
        for (JsonNode message : messages.reversed()) {
            if (message.path("role").asText().equals(role)) {
                return text(message.path("content"));
            }
        }
        return messages.isEmpty() ? "" : text(messages.getLast().path("content"));
    }

    /** Messages of the forms that are common: chat completions and responses, asked and answered. */
    private static List<JsonNode> messages(JsonNode value) {
        JsonNode choice = value.path("choices").path(0).path("message");
        for (String field : List.of("messages", "choices", "input", "output")) {
            JsonNode list = value.path(field);
            if (field.equals("choices") && isMessage(choice)) {
                return List.of(choice);
            }
            if (!field.equals("choices") && list.isArray() && !list.isEmpty()) {
                var messages = new ArrayList<JsonNode>();
                list.forEach(one -> {
                    if (isMessage(one)) {
                        messages.add(one);
                    }
                });
                return messages;
            }
        }
        return value.path("request").isObject() ? messages(value.path("request")) : List.of();
    }

    private static boolean isMessage(JsonNode value) {
        return value.has("role") && value.has("content");
    }

    /** The first text of a message that has several parts. */
    private static String text(JsonNode content) {
        if (!content.isArray()) {
            return content.isTextual() ? content.textValue() : "";
        }
        for (JsonNode part : content) {
            if (part.isTextual()) {
                return part.textValue();
            }
            if (List.of("text", "output_text").contains(part.path("type").asText())) {
                return part.path("text").asText("");
            }
        }
        return "";
    }
}
