package dev.tidemill.platform.http;

import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A file that is made while it is sent: its length is not known before, and no part of it can be asked for.
 *
 * @param name offered for saving it
 * @param type of its content
 * @param content is not asked for the head alone
 */
public record GeneratedFile(String name, String type, Content content) implements SentFile {
    /** Makes the file. What is thrown before the first byte is the answer. */
    @FunctionalInterface
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    @Override
    public void send(Context context) throws IOException {
        context.disableCompression();
        context.contentType(type)
                .header("Content-Disposition", FileAnswer.disposition(name))
                .header("Accept-Ranges", "none");
        if (context.method() != HandlerType.HEAD) {
            var body = AnswerBody.of(context);
            content.writeTo(body);
            body.end();
        }
    }
}
