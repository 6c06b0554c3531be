package dev.tidemill.platform.backup;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;

/**
 * A stream to somebody who takes it as fast as they please, but not for ever: the writing thread is interrupted once, over a stretch
 * of waiting for the receiver, fewer bytes have gone than at the least rate. Only the time in which the receiver is waited for
 * counts. Written by the thread that has made it; closing it leaves the receiver's stream open.
 */
public final class WatchedReceiver extends FilterOutputStream {
    private final Duration stretch;
    private final long leastPerSecond;
    private final Thread writer = Thread.currentThread();
    private final Thread watch;
    /** Guarded by this object, as what follows is. */
    private long bytes;

    private long waited;
    private long waitsSince;
    private boolean waits;
    private boolean tooSlow;
    private boolean closed;

    /**
     * @param stretch over which the rate is judged
     * @param leastPerSecond bytes
     */
    public WatchedReceiver(OutputStream receiver, Duration stretch, long leastPerSecond) {
        super(receiver);
        this.stretch = stretch;
        this.leastPerSecond = leastPerSecond;
        this.watch = Thread.ofVirtual().name("slow-receiver").start(this::watch);
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(stretch.dividedBy(10));
                synchronized (this) {
                    if (closed) {
                        return;
                    }
                    settle();
                    if (waited >= stretch.toNanos()) {
                        if (bytes * 1_000 < leastPerSecond * stretch.toMillis()) {
                            tooSlow = true;
                            writer.interrupt();
                            return;
                        }
                        waited = 0;
                        bytes = 0;
                    }
                }
            }
        } catch (InterruptedException e) {
            // It is closed.
        }
    }

    private synchronized void settle() {
        if (waits) {
            long now = System.nanoTime();
            waited += now - waitsSince;
            waitsSince = now;
        }
    }

    private synchronized void begins() throws IOException {
        if (tooSlow) {
            throw slow();
        }
        waits = true;
        waitsSince = System.nanoTime();
    }

    private synchronized void ends(long sent) {
        settle();
        waits = false;
        bytes += sent;
    }

    private IOException slow() {
        return new InterruptedIOException(
                "The receiver takes fewer than " + leastPerSecond + " bytes a second over " + stretch);
    }

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] content, int from, int length) throws IOException {
        begins();
        try {
            out.write(content, from, length);
        } finally {
            ends(length);
        }
    }

    @Override
    public void flush() throws IOException {
        begins();
        try {
            out.flush();
        } finally {
            ends(0);
        }
    }

    /** Ends the watch. */
    @Override
    public synchronized void close() {
        closed = true;
        watch.interrupt();
        if (tooSlow) {
            // What was meant for this stream is nothing for what the thread does next.
            Thread.interrupted();
        }
    }
}
