package dev.tidemill.platform.http;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a stream of server-sent events on the request's own thread. Not thread-safe. */
public final class ServerSentEvents {
    private final OutputStream out;

    public ServerSentEvents(Context context) throws IOException {
        context.disableCompression();
        var response = context.res();
        response.setStatus(200);
        response.setContentType("text/event-stream");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Accel-Buffering", "no");
        out = response.getOutputStream();
        response.flushBuffer();
    }

    /** @throws IOException once the client has gone */
    public void send(String id, String event, String data) throws IOException {
        var text = new StringBuilder("id: ")
                .append(id)
                .append("\nevent: ")
                .append(event)
                .append('\n');
        data.lines().forEach(line -> text.append("data: ").append(line).append('\n'));
        out.write(text.append('\n').toString().getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** Keeps proxies from closing a quiet stream, and finds out whether the client is still there. */
    public void heartbeat() throws IOException {
        out.write(":\n\n".getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
