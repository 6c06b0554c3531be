package dev.tidemill.platform.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Messages of which a part is here: they lie in memory outside of the heap, before anybody has read, counted or admitted them. All
 * together they may take so many bytes, those of senders whom nobody knows a few each, and one of which nothing more comes is given up.
 * Thread-safe.
 */
final class ArrivingMessages extends ServerStreamTracer.Factory {
    /** Bytes of a message from somebody who is not known. */
    static final long OF_STRANGERS = 64 * 1024;

    /** For how long a sender may pause within a message. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Context.Key<Arrival> ARRIVAL = Context.key("arrival");

    private final long most;
    private final AtomicLong bytes = new AtomicLong();
    private final Set<Arrival> arrivals = ConcurrentHashMap.newKeySet();

    /** @param most bytes of all together */
    ArrivingMessages(long most) {
        this.most = most;
    }

    /** Bytes of messages that are not whole yet. */
    long bytes() {
        return bytes.get();
    }

    @Override
    public Arrival newServerStreamTracer(String method, Metadata headers) {
        return new Arrival();
    }

    /** The messages of the call that begins on this thread. */
    static @Nullable Arrival current() {
        return ARRIVAL.get();
    }

    /** Gives up messages of which nothing has come for too long. */
    void giveUpStalled(long now) {
        arrivals.forEach(arrival -> arrival.giveUpIfStalled(now));
    }

    /** The messages of one call, one after the other. */
    final class Arrival extends ServerStreamTracer {
        private long here;
        private long progressAt;
        private long mostOfOne = Long.MAX_VALUE;
        private @Nullable ServerCall<?, ?> call;
        private @Nullable Status refused;

        @Override
        public Context filterContext(Context context) {
            return context.withValue(ARRIVAL, this);
        }

        @Override
        public void inboundWireSize(long more) {
            arrived(more, System.nanoTime());
        }

        synchronized void arrived(long more, long now) {
            if (refused != null) {
                return;
            }
            here += more;
            progressAt = now;
            arrivals.add(this);
            if (bytes.addAndGet(more) > most) {
                refuse(Status.RESOURCE_EXHAUSTED.withDescription(
                        "Too much is arriving at this server at once; try again later"));
            } else if (here > mostOfOne) {
                refuse(Status.UNAUTHENTICATED.withDescription(
                        "More than " + mostOfOne + " bytes are taken from those alone who are known: send a token"));
            }
        }

        @Override
        public synchronized void inboundMessageRead(int number, long wireSize, long size) {
            forget();
        }

        @Override
        public synchronized void streamClosed(Status status) {
            forget();
        }

        private void forget() {
            bytes.addAndGet(-here);
            here = 0;
            arrivals.remove(this);
        }

        private void refuse(Status status) {
            refused = status;
            forget();
            if (call != null) {
                call.close(status, new Metadata());
            }
        }

        private synchronized void giveUpIfStalled(long now) {
            if (here > 0 && now - progressAt > PATIENCE.toNanos()) {
                refuse(Status.DEADLINE_EXCEEDED.withDescription(
                        "Nothing more has come of a message for " + PATIENCE.toSeconds() + " s"));
            }
        }

        /**
         * Tells which call the messages are of.
         *
         * @param known whether its sender is known
         * @return false if it was refused, and is closed
         */
        synchronized boolean begins(ServerCall<?, ?> begun, boolean known) {
            call = begun;
            if (!known) {
                mostOfOne = OF_STRANGERS;
            }
            if (refused != null) {
                begun.close(refused, new Metadata());
            } else if (here > mostOfOne) {
                arrived(0, progressAt);
            }
            return refused == null;
        }

        /** Whether the call has been closed for what was arriving; what it hears then is of no interest. */
        synchronized boolean isRefused() {
            return refused != null;
        }
    }
}
