package dev.tidemill.wires.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.json.Json;
import org.junit.jupiter.api.Test;

/** Expected values are those of MLflow's own server; e2e/mlflow_scenarios.py compares them live. */
class TracePreviewTest {
    private static String of(String json, String role) {
        return TracePreview.of(Json.read(json), role);
    }

    @Test
    void ofAChatTheLastMessageOfTheRole() {
        String asked =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":[{\"type\":\"image\"},{\"type\":\"text\","
                        + "\"text\":\"b\"}]},{\"role\":\"tool\",\"content\":\"c\"}]}";
        assertThat(of(asked, "user")).isEqualTo("b");
        assertThat(of(asked, "assistant")).isEqualTo("c");
        assertThat(of("{\"request\":" + asked + "}", "user")).isEqualTo("b");
        assertThat(of("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"d\"}}]}", "assistant"))
                .isEqualTo("d");
        assertThat(of(
                        "{\"output\":[{\"role\":\"x\",\"content\":[{\"type\":\"output_text\",\"text\":\"e\"}]}]}",
                        "assistant"))
                .isEqualTo("e");
        assertThat(of("{\"input\":[{\"role\":\"user\",\"content\":[\"f\"]}]}", "user"))
                .isEqualTo("f");
    }

    @Test
    void ofAnythingElseItsBeginningAsJson() {
        assertThat(of("\"text\"", "user")).isEqualTo("\"text\"");
        assertThat(of("12", "user")).isEqualTo("12");
        assertThat(of("{\"messages\":[1]}", "user")).isEqualTo("{\"messages\":[1]}");
        assertThat(of("{\"messages\":[{\"role\":\"user\",\"content\":null}]}", "user"))
                .isEqualTo("{\"messages\":[{\"role\":\"user\",\"content\":null}]}");
        assertThat(of("\"" + "x".repeat(2000) + "\"", "user")).hasSize(1000).endsWith("...");
    }
}
