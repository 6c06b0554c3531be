package dev.tidemill.platform.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages of which a part is here: they lie in memory outside of the heap, before anybody has read, counted or admitted them. All
 * together they may take so many bytes, those of one sender half of that, those of all whom nobody knows an eighth and each of these a
 * few; one that comes too slowly is given up. Thread-safe.
 */
final class ArrivingMessages extends ServerStreamTracer.Factory {
    /** Bytes of a message from somebody who is not known. */
    static final long OF_STRANGERS = 64 * 1024;

    /** For how long a sender may pause within a message, and after which a message has to come at the least rate. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Bytes in a second. */
    static final long LEAST_RATE = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(ArrivingMessages.class);
    private static final String STRANGERS = "";

    private static final Context.Key<Arrival> ARRIVAL = Context.key("arrival");

    private final long most;
    private final AtomicLong bytes = new AtomicLong();
    private final ConcurrentMap<String, Long> senders = new ConcurrentHashMap<>();
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

    /** Gives up messages that come too slowly. */
    void giveUpSlow(long now) {
        arrivals.forEach(arrival -> arrival.giveUpIfSlow(now));
    }

    /** The messages of one call, one after the other. */
    final class Arrival extends ServerStreamTracer {
        private long here;
        private long startedAt;
        private long progressAt;
        private @Nullable ServerCall<?, ?> call;
        private @Nullable String sender;
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
            if (here == 0) {
                startedAt = now;
                arrivals.add(this);
            }
            progressAt = now;
            add(more);
            look();
        }

        private void add(long more) {
            here += more;
            bytes.addAndGet(more);
            if (sender != null) {
                count(sender, more);
            }
        }

        /** Refuses the call if it has too much of what there is. */
        private void look() {
            boolean stranger = STRANGERS.equals(sender);
            long own = sender == null ? 0 : senders.getOrDefault(sender, 0L);
            if (bytes.get() > most || own > (stranger ? most / 8 : most / 2)) {
                refuse(Status.RESOURCE_EXHAUSTED.withDescription(
                        "Too much is arriving at this server at once; try again later"));
            } else if (stranger && here > OF_STRANGERS) {
                refuse(Status.UNAUTHENTICATED.withDescription(
                        "More than " + OF_STRANGERS + " bytes are taken from those alone who are known: send a token"));
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
            add(-here);
            arrivals.remove(this);
        }

        private void refuse(Status status) {
            refused = status;
            forget();
            if (call != null) {
                close(call, status);
            }
        }

        private synchronized void giveUpIfSlow(long now) {
            long took = now - startedAt;
            boolean slow = here < LEAST_RATE * TimeUnit.NANOSECONDS.toSeconds(took);
            if (here > 0 && took > PATIENCE.toNanos() && (slow || now - progressAt > PATIENCE.toNanos())) {
                refuse(Status.DEADLINE_EXCEEDED.withDescription("A message has come more slowly than " + LEAST_RATE
                        + " bytes in a second, or not at all for " + PATIENCE.toSeconds() + " s"));
            }
        }

        /**
         * Tells which call the messages are of.
         *
         * @param from who sends it; empty where nobody knows
         * @return false if it was refused, and is closed
         */
        synchronized boolean begins(ServerCall<?, ?> begun, Optional<String> from) {
            call = begun;
            if (refused != null) {
                close(begun, refused);
                return false;
            }
            sender = from.orElse(STRANGERS);
            if (here > 0) {
                count(sender, here);
                look();
            }
            return refused == null;
        }

        /** Whether the call has been closed for what was arriving; what it hears then is of no interest. */
        synchronized boolean isRefused() {
            return refused != null;
        }
    }

    private void count(String sender, long more) {
        senders.compute(sender, (key, before) -> {
            long now = (before == null ? 0 : before) + more;
            return now == 0 ? null : now;
        });
    }

    private static void close(ServerCall<?, ?> call, Status status) {
        try {
            call.close(status, new Metadata());
        } catch (IllegalStateException e) {
            LOG.debug("The call has ended meanwhile", e);
        }
    }
}
