package dev.tidemill.platform.http;

import io.javalin.http.Context;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * The body of an answer that is written while it is made. What fails before the first {@link #HELD} bytes are full is answered with
 * an error in their place, since nothing of them has been sent; what fails later ends the connection, so that nobody takes a part
 * for the whole. Whoever has written everything says so with {@link #end}. Not thread-safe.
 */
public final class AnswerBody extends OutputStream {
    /** Bytes that are held back, in which most answers fit as a whole. */
    static final int HELD = 32 * 1024;

    private static final String BEGUN = "answer-begun";

    private final BufferedOutputStream held;

    private AnswerBody(OutputStream held) {
        this.held = new BufferedOutputStream(held, HELD);
    }

    /** The body of an answer whose status and headers are set. */
    public static AnswerBody of(Context context) {
        return new AnswerBody(new Sent(context, null));
    }

    /** The body of an answer that is sent as it is, without being compressed. */
    static AnswerBody uncompressed(Context context, OutputStream to) {
        return new AnswerBody(new Sent(context, to));
    }

    /** Whether something of the body has left, so that no other answer can take its place. */
    static boolean isBegun(Context context) {
        return context.res().isCommitted() || context.attribute(BEGUN) != null;
    }

    @Override
    public void write(int b) throws IOException {
        held.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        held.write(bytes, offset, length);
    }

    /** Sends nothing early: what is held back may still be replaced. */
    @Override
    public void flush() {}

    /** Does not end the body: a writer that fails closes what it writes to as well. */
    @Override
    public void close() {}

    /** Sends what is held back: the body is whole. */
    public void end() throws IOException {
        held.flush();
    }

    /** Notes that the body has begun before it sends anything of it. */
    private static final class Sent extends OutputStream {
        private final Context context;
        private @org.jspecify.annotations.Nullable OutputStream to;

        Sent(Context context, @org.jspecify.annotations.Nullable OutputStream to) {
            this.context = context;
            this.to = to;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            context.attribute(BEGUN, true);
            if (to == null) {
                to = context.outputStream();
            }
            to.write(bytes, offset, length);
        }
    }
}
