package dev.tidemill.inference.controlplane;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * An answer's body that is left where it does not come: a connection that breaks without a word, or drips, would keep its reader for
 * ever. Read by one thread.
 */
final class TimedBody extends FilterInputStream {
    private static final long NEVER = Long.MAX_VALUE;

    private final Duration time;
    private final boolean asWhole;
    private final long opened = System.nanoTime();
    private final Thread watch = Thread.ofVirtual().name("control-plane-body").unstarted(this::watch);
    /** Nanoseconds after the opening until which the reader waits. */
    private volatile long until;

    private volatile boolean late;

    private TimedBody(InputStream body, Duration time, boolean asWhole) {
        super(body);
        this.time = time;
        this.asWhole = asWhole;
        this.until = asWhole ? time.toNanos() : NEVER;
    }

    /** One that has to be here as a whole within a time. */
    static TimedBody whole(InputStream body, Duration time) {
        var timed = new TimedBody(body, time, true);
        timed.watch.start();
        return timed;
    }

    /** One of which some bytes have to come within a time whenever its reader waits for them. */
    static TimedBody passing(InputStream body, Duration time) {
        var timed = new TimedBody(body, time, false);
        timed.watch.start();
        return timed;
    }

    private long sinceOpened() {
        return System.nanoTime() - opened;
    }

    private void watch() {
        try {
            while (until > sinceOpened()) {
                // Nobody waits, or somebody began to after this look: at most one time is added to that.
                Thread.sleep(until == NEVER ? time : Duration.ofNanos(Math.max(1, until - sinceOpened())));
            }
            late = true;
            // Whoever reads from it hears that it is closed.
            in.close();
        } catch (InterruptedException e) {
            // it was read, or left
        } catch (IOException e) {
            // as good as closed
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (!asWhole) {
            until = sinceOpened() + time.toNanos();
        }
        try {
            int read = in.read(into, offset, length);
            requireInTime();
            return read;
        } catch (IOException e) {
            requireInTime();
            throw e;
        } finally {
            if (!asWhole) {
                until = NEVER;
            }
        }
    }

    private void requireInTime() throws IOException {
        if (late) {
            throw new IOException("it did not come on within " + time.toMillis() + " ms");
        }
    }

    @Override
    public void close() throws IOException {
        watch.interrupt();
        in.close();
    }
}
