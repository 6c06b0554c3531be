package dev.tidemill.platform.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StorableJsonTest {
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":\"\\u0000\"}",
                "{\"a\\u0000\":1}",
                "{\"a\":[{\"b\":\"x\\\\\\u0000\"}]}",
                "{\"a\":\"\\ud83d\"}",
                "{\"a\":\"\\uD83Dx\"}",
                "{\"a\":\"\\ude00\\ud83d\"}",
                "{\"a\":\"\\ud83d\\ud83d\\ude00\"}",
                "{\"a\":\"\\ud83d\\\\ude00\"}"
            })
    void whatNoDatabaseKeepsIsRefused(String json) {
        assertThatThrownBy(() -> Json.parse(utf8(json)))
                .isInstanceOf(TidemillException.class)
                .hasMessageMatching("A text of the body holds (the character NUL|half a character).*");
    }

    @Test
    void whatAProcessOfOurOwnWroteMayHoldAnyText() {
        byte[] json = utf8("{\"a\\u0000\":\"\\ud83d\"}");
        assertThat(Json.parseOwnObject(json).path("a\0").asText()).isEqualTo("\uD83D");
        assertThatThrownBy(() -> Json.parseOwnObject(utf8("[]"))).isInstanceOf(TidemillException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":\"\\ud83d\\ude00\"}",
                "{\"a\":\"\\\\u0000\"}",
                "{\"a\":\"\\\\\\\\ud83d\"}",
                "{\"a\":\"\\u0001\\u00e9 é 模 😀 \uD7FF \uE000\"}"
            })
    void whatLooksLikeItIsTaken(String json) {
        assertThat(StorableText.is(Json.parse(utf8(json)).path("a").asText())).isTrue();
    }

    @Test
    void halvesInBytesAreRefused() {
        byte[] json = utf8("{\"a\":\"___\"}");
        json[6] = (byte) 0xED;
        json[7] = (byte) 0xA0;
        json[8] = (byte) 0x80;
        assertThatThrownBy(() -> Json.parse(json)).isInstanceOf(TidemillException.class);
    }

    /** The bytes are judged as the text that they write: nothing more is refused and nothing less. */
    @Test
    void bytesAreJudgedAsTheTextThatTheyWrite() throws Exception {
        var random = new Random(3);
        String[] parts = {
            "\\u0000", "\\ud83d", "\\ude00", "\\\\", "u0000", "ud83d", "\\n", "x", "é", "😀", "\\u0041", "\\\""
        };
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            var text = new StringBuilder();
            for (int length = random.nextInt(5); length >= 0; length--) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            byte[] json = utf8("{\"k\":\"" + text + "\"}");
            boolean storable =
                    StorableText.is(Json.objectMapper().readTree(json).path("k").textValue());
            boolean taken;
            try {
                Json.parse(json);
                taken = true;
            } catch (TidemillException e) {
                taken = false;
                refused++;
            }
            assertThat(taken).as(text.toString()).isEqualTo(storable);
        }
        assertThat(refused).isBetween(1_000, 19_000);
    }
}
