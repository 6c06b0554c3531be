package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Semaphore;

/** Writes a stream of server-sent events on the request's own thread, which it holds until it is closed. Not thread-safe. */
public final class ServerSentEvents implements AutoCloseable {
    /** Well below the threads that serve requests, of which others need some. */
    private static final int MOST = 400;

    private static final Semaphore FREE = new Semaphore(MOST);

    private final OutputStream out;

    private ServerSentEvents(OutputStream out) {
        this.out = out;
    }

    /**
     * Begins the answer.
     *
     * @throws TidemillException {@code UNAVAILABLE} if as many streams as are served are open already
     */
    public static ServerSentEvents open(Context context) throws IOException {
        if (!FREE.tryAcquire()) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            MOST + " streams of events are open already; no more are served at a time")
                    .remedy("Close some, or ask for a page of events instead");
        }
        try {
            return new ServerSentEvents(begun(context));
        } catch (IOException | RuntimeException e) {
            FREE.release();
            throw e;
        }
    }

    private static OutputStream begun(Context context) throws IOException {
        context.disableCompression();
        var response = context.res();
        response.setStatus(200);
        response.setContentType("text/event-stream");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Accel-Buffering", "no");
        response.flushBuffer();
        return response.getOutputStream();
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

    @Override
    public void close() {
        FREE.release();
    }
}
