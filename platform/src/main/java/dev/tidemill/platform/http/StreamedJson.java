package dev.tidemill.platform.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;

/** Answers in JSON that are written while they are sent, so that no copy of a large one is made as a whole. */
public final class StreamedJson {
    /** Writes JSON; what it throws leaves the JSON without its end. */
    @FunctionalInterface
    public interface Content {
        void writeTo(JsonGenerator out) throws IOException;
    }

    private StreamedJson() {}

    /** Answers with a value that has been made; what can be refused must have been by now. */
    public static void write(Context context, JsonNode answer) throws IOException {
        generate(context, out -> out.writeTree(answer));
    }

    /** Answers with what is written; status and headers must have been set by now. */
    public static void generate(Context context, Content content) throws IOException {
        context.contentType("application/json");
        var body = AnswerBody.of(context);
        JsonGenerator out = generator(body);
        content.writeTo(out);
        out.close();
        body.end();
    }

    /**
     * A generator that closes neither its target nor what is open of the JSON: whoever has written everything closes it, and who
     * fails leaves it.
     */
    public static JsonGenerator generator(OutputStream target) throws IOException {
        return Json.objectMapper()
                .createGenerator(target)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
    }
}
