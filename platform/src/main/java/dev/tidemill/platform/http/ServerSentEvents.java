package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.backup.WatchedReceiver;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/** Writes a stream of server-sent events on the request's own thread, which it holds until it is closed. Not thread-safe. */
public final class ServerSentEvents implements AutoCloseable {
    /** Well below the threads that serve requests, of which others need some. */
    private static final int MOST = 400;

    private static final Semaphore FREE = new Semaphore(MOST);

    /** Of one caller, so that nobody takes all; a page of the user interface has one or two. */
    private static final int MOST_OF_ONE = 100;

    private static final Map<String, Integer> OPEN = new ConcurrentHashMap<>();

    /** A client that takes less over so long, in which it is waited for, is let go. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final long LEAST_BYTES_PER_SECOND = 64;

    private final OutputStream out;
    private final String caller;
    private boolean closed;

    private ServerSentEvents(OutputStream out, String caller) {
        this.out = out;
        this.caller = caller;
    }

    /**
     * Begins the answer.
     *
     * @param caller who asks
     * @throws TidemillException {@code UNAVAILABLE} if as many streams as are served are open already, of all or of the caller
     */
    public static ServerSentEvents open(Context context, Caller caller) throws IOException {
        return open(context, caller, PATIENCE);
    }

    static ServerSentEvents open(Context context, Caller caller, Duration patience) throws IOException {
        if (OPEN.merge(caller.share(), 1, Integer::sum) > MOST_OF_ONE) {
            leave(caller.share());
            throw tooMany(MOST_OF_ONE + " streams of events of " + caller.share());
        }
        if (!FREE.tryAcquire()) {
            leave(caller.share());
            throw tooMany(MOST + " streams of events");
        }
        try {
            return new ServerSentEvents(
                    new WatchedReceiver(begun(context), patience, LEAST_BYTES_PER_SECOND), caller.share());
        } catch (IOException | RuntimeException e) {
            FREE.release();
            leave(caller.share());
            throw e;
        }
    }

    private static TidemillException tooMany(String open) {
        return new TidemillException(ErrorCode.UNAVAILABLE, open + " are open already; no more are served at a time")
                .remedy("Close some, or ask for a page of events instead");
    }

    private static void leave(String caller) {
        OPEN.computeIfPresent(caller, (name, open) -> open == 1 ? null : open - 1);
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

    /** @throws IOException once the client has gone, or takes what it is sent too slowly */
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
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            FREE.release();
            leave(caller);
            // Ends the watch alone; the answer is the server's to end.
            out.close();
        }
    }
}
