package dev.tidemill.platform.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.io.IOException;

/** Answers in JSON that are written while they are sent, so that no copy of a large one is made as a whole. */
public final class StreamedJson {
    private StreamedJson() {}

    /** Answers with a value that has been made; what can be refused must have been by now. */
    public static void write(Context context, JsonNode answer) throws IOException {
        try (JsonGenerator out = open(context)) {
            out.writeTree(answer);
        }
    }

    /** Begins an answer; closing the generator ends it. Its status and headers must have been set by now. */
    public static JsonGenerator open(Context context) throws IOException {
        context.contentType("application/json");
        return Json.objectMapper()
                .createGenerator(context.outputStream())
                .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    }
}
