package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as it comes: no more of it than it may have, and no more slowly than it may come. Only time in which its
 * reader waited counts. Read by one thread; whoever leaves it before its end closes it.
 */
final class ArrivingBody extends InputStream implements HttpResponse.BodySubscriber<InputStream> {
    private static final List<ByteBuffer> END = List.of();

    private final long most;
    private final long least;
    private final Duration time;
    private final BlockingQueue<List<ByteBuffer>> arrived = new LinkedBlockingQueue<>();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    private final Queue<ByteBuffer> taken = new ArrayDeque<>();
    private volatile @Nullable Throwable failure;
    private boolean ended;
    private long bytes;
    private long bytesOfTime;
    private long waited;

    private ArrivingBody(long most, long least, Duration time) {
        this.most = most;
        this.least = least;
        this.time = time;
    }

    /** One that has to be here as a whole. */
    static ArrivingBody kept(AnswerBounds bounds) {
        return new ArrivingBody(bounds.mostBytes(), Long.MAX_VALUE, bounds.deadline());
    }

    /**
     * One that is passed on while it comes.
     *
     * @param bytes how many it has, as somebody has said before; negative if nobody has
     */
    static ArrivingBody file(AnswerBounds bounds, long bytes) {
        return new ArrivingBody(bytes < 0 ? bounds.mostOfFile() : bytes, bounds.leastBytes(), bounds.silence());
    }

    /** One that goes on for as long as its reader likes, with pauses of any length. */
    static ArrivingBody events() {
        return new ArrivingBody(Long.MAX_VALUE, 0, Duration.ofDays(1));
    }

    /** It has more than it may have, and would have the next time. */
    static final class TooLong extends IOException {
        private static final long serialVersionUID = 1L;

        TooLong(long most) {
            super("more than " + most + " bytes come");
        }
    }

    /** It does not come, or as good as not. */
    static final class TooSlow extends IOException {
        private static final long serialVersionUID = 1L;

        TooSlow(long bytes, Duration time) {
            super("only " + bytes + " bytes came within " + shown(time));
        }
    }

    /** Whether the head of an answer did not come in time, though the server was there. */
    static boolean isOverdue(IOException e) {
        return e instanceof HttpTimeoutException && !(e instanceof HttpConnectTimeoutException);
    }

    /** What ends the command, or is noted, of an answer that was left. */
    static CliException told(URI address, IOException why) {
        String place = address.getScheme() + "://" + address.getRawAuthority() + address.getRawPath();
        String message = place + " has no answer of use: " + why.getMessage();
        return why instanceof TooLong
                ? new CliException.TooMuch(message + ". Check that the address is that of such a server")
                : new CliException(Exit.TIMEOUT, message + ". Try again once the server or the way to it is faster");
    }

    /** How a refusal begins, as far as it comes. */
    static String beginning(InputStream body, int most) {
        try (body) {
            return new String(body.readNBytes(most), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    private static String shown(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }

    @Override
    public CompletionStage<InputStream> getBody() {
        return CompletableFuture.completedStage(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription source) {
        subscription.complete(source);
        source.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        arrived.add(buffers);
    }

    @Override
    public void onError(Throwable reason) {
        failure = reason;
        arrived.add(END);
    }

    @Override
    public void onComplete() {
        arrived.add(END);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        while (!ended && (taken.isEmpty() || !taken.element().hasRemaining())) {
            if (taken.poll() == null) {
                take();
            }
        }
        if (ended) {
            return -1;
        }
        ByteBuffer next = taken.element();
        int read = Math.min(length, next.remaining());
        next.get(into, offset, read);
        return read;
    }

    private void take() throws IOException {
        List<ByteBuffer> buffers = await();
        if (buffers == END) {
            ended = true;
            if (failure != null) {
                throw new IOException(
                        failure.getMessage() == null ? failure.toString() : failure.getMessage(), failure);
            }
            return;
        }
        for (ByteBuffer buffer : buffers) {
            bytes += buffer.remaining();
            bytesOfTime += buffer.remaining();
        }
        if (bytes > most) {
            close();
            throw new TooLong(most);
        }
        taken.addAll(buffers);
        subscription.join().request(1);
    }

    private List<ByteBuffer> await() throws IOException {
        try {
            while (true) {
                long began = System.nanoTime();
                List<ByteBuffer> buffers = arrived.poll(time.toNanos() - waited, TimeUnit.NANOSECONDS);
                waited += System.nanoTime() - began;
                if (waited >= time.toNanos()) {
                    if (bytesOfTime < least && buffers != END) {
                        close();
                        throw new TooSlow(bytesOfTime, time);
                    }
                    waited = 0;
                    bytesOfTime = 0;
                }
                if (buffers != null) {
                    return buffers;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public void close() {
        ended = true;
        subscription.thenAccept(Flow.Subscription::cancel);
    }
}
