package dev.tidemill.platform.http;

import io.javalin.http.Context;
import java.io.IOException;

/** What a route of files answers with; see {@link Route#file}. */
public sealed interface SentFile permits FileAnswer, GeneratedFile {
    /** Sends it on this thread. */
    void send(Context context) throws IOException;
}
