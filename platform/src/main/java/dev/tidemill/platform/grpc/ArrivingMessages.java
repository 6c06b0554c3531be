package dev.tidemill.platform.grpc;

import dev.tidemill.platform.grpc.Shares.Holder;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls that are open, and their messages of which a part is here: these lie in memory outside of the heap, before anybody has read,
 * counted or admitted them. Of both there is so much, which senders share as {@link Shares} has it. A call has to bring its message in
 * time and a unary one has to end then; a stream of somebody who is known may wait between messages, of which it holds none
 * then. Thread-safe.
 */
final class ArrivingMessages extends ServerStreamTracer.Factory {
    /** Bytes of a message from somebody who is not known. */
    static final long OF_STRANGERS = 64 * 1024;

    /** For how long a sender may pause before or within a message, which has to come at the least rate over each such stretch. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** For how long a unary call may stay open after its message, which is kept meanwhile. */
    static final Duration PATIENCE_FOR_END = Duration.ofSeconds(5);

    /** In which a message has to be whole; one of which more has come has as much longer as that takes at {@link #RATE_OF_LARGE}. */
    static final Duration LONGEST = Duration.ofMinutes(5);

    /** Bytes in a second, of a large message that comes over a slow link. */
    static final long RATE_OF_LARGE = 64 * 1024;

    /** Bytes in a second. */
    static final long LEAST_RATE = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(ArrivingMessages.class);

    private static final Context.Key<Arrival> ARRIVAL = Context.key("arrival");

    /** What a call is waited for. */
    private enum Phase {
        MESSAGE,
        READ,
        END
    }

    private final Shares bytes;
    private final Shares calls;
    private final Set<Arrival> arrivals = ConcurrentHashMap.newKeySet();

    /**
     * @param most bytes of all messages together
     * @param mostCalls that are open together
     */
    ArrivingMessages(long most, long mostCalls) {
        this.bytes = new Shares(most, Math.max(OF_STRANGERS, most / 16));
        this.calls = new Shares(mostCalls, mostCalls / 16);
    }

    /** Bytes of messages that are not whole yet, or wait to be read. */
    long bytes() {
        return bytes.taken();
    }

    /** Calls that are open. */
    long calls() {
        return calls.taken();
    }

    @Override
    public Arrival newServerStreamTracer(String method, Metadata headers) {
        var arrival = new Arrival(System.nanoTime());
        calls.add(null, 1);
        arrivals.add(arrival);
        return arrival;
    }

    /** The call that begins on this thread. */
    static @Nullable Arrival current() {
        return ARRIVAL.get();
    }

    /** Gives up calls that keep others waiting. */
    void giveUpSlow(long now) {
        arrivals.forEach(arrival -> arrival.giveUpIfSlow(now));
    }

    /** One call and its messages, one after the other. */
    final class Arrival extends ServerStreamTracer {
        /** Of the message that is not whole yet. */
        private long here;
        /** Of messages that are, and wait to be read. */
        private long whole;

        private long startedAt;
        private long progressAt;
        private long stretchAt;
        private long ofStretch;
        private long waitsSince;
        private Phase phase = Phase.MESSAGE;
        private boolean open = true;
        private @Nullable ServerCall<?, ?> call;
        private @Nullable Holder sender;
        private @Nullable Status refused;

        private Arrival(long now) {
            waitsSince = now;
        }

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
                stretchAt = now;
                ofStretch = 0;
            }
            progressAt = now;
            ofStretch += more;
            add(more);
            look();
        }

        private void add(long more) {
            here += more;
            bytes.add(sender, more);
        }

        /** Refuses the call if it has too much of what there is. */
        private void look() {
            if (isStranger() && here > OF_STRANGERS) {
                refuse(Status.UNAUTHENTICATED.withDescription(
                        "More than " + OF_STRANGERS + " bytes are taken from those alone who are known: send a token"));
            } else if (bytes.isTooMuch(sender)) {
                refuse(Status.RESOURCE_EXHAUSTED.withDescription(
                        "Too much is arriving at this server at once; try again later"));
            }
        }

        private boolean isStranger() {
            return sender != null && !sender.known();
        }

        @Override
        public synchronized void inboundMessageRead(int number, long wireSize, long size) {
            // It lies where it came until there is room for it among the requests.
            whole += here;
            here = 0;
            phase = Phase.READ;
        }

        /** Tells that the messages which were whole have been read, or refused. */
        synchronized void taken() {
            bytes.add(sender, -whole);
            whole = 0;
        }

        @Override
        public synchronized void streamClosed(Status status) {
            add(-here);
            taken();
            arrivals.remove(this);
            if (open) {
                open = false;
                calls.add(sender, -1);
            }
        }

        private void refuse(Status status) {
            refused = status;
            add(-here);
            taken();
            arrivals.remove(this);
            if (call != null) {
                close(call, status);
            }
        }

        private synchronized void giveUpIfSlow(long now) {
            if (refused != null) {
                return;
            }
            if (here > 0) {
                giveUpSlowMessage(now);
                return;
            }
            Duration patience = phase == Phase.MESSAGE ? PATIENCE : PATIENCE_FOR_END;
            if (phase != Phase.READ && !mayWait() && now - waitsSince > patience.toNanos()) {
                refuse(Status.DEADLINE_EXCEEDED.withDescription(
                        (phase == Phase.MESSAGE ? "No message has come within " : "The call was not ended within ")
                                + patience.toSeconds() + " s"));
            }
        }

        private void giveUpSlowMessage(long now) {
            boolean slow = now - progressAt > PATIENCE.toNanos();
            long stretch = now - stretchAt;
            if (stretch > PATIENCE.toNanos()) {
                slow |= ofStretch < LEAST_RATE * TimeUnit.NANOSECONDS.toSeconds(stretch);
                stretchAt = now;
                ofStretch = 0;
            }
            if (slow) {
                refuse(Status.DEADLINE_EXCEEDED.withDescription("A message has come more slowly than " + LEAST_RATE
                        + " bytes in a second, or not at all for " + PATIENCE.toSeconds() + " s"));
                return;
            }
            long seconds = LONGEST.toSeconds() + here / RATE_OF_LARGE;
            if (now - startedAt > TimeUnit.SECONDS.toNanos(seconds)) {
                refuse(Status.DEADLINE_EXCEEDED.withDescription(
                        here + " bytes have come in " + seconds + " s, and the message is not whole"));
            }
        }

        /** A stream may have nothing to ask for a while. */
        private boolean mayWait() {
            return call != null && !isStranger() && call.getMethodDescriptor().getType() != MethodType.UNARY;
        }

        /**
         * Tells which call it is.
         *
         * @param host that it comes from, to which it counts until {@link #isOf} tells more
         * @return false if it was refused, and is closed
         */
        synchronized boolean begins(ServerCall<?, ?> begun, String host) {
            call = begun;
            if (refused != null) {
                close(begun, refused);
                return false;
            }
            // Who it is may take a while to find out: until then a host has no more of the calls than a user.
            return counted(new Holder("host " + host, true));
        }

        /**
         * Tells who sends it.
         *
         * @return false if it was refused, and is closed
         */
        synchronized boolean isOf(Holder from) {
            if (refused != null) {
                return false;
            }
            if (!counted(from)) {
                return false;
            }
            look();
            return refused == null;
        }

        private boolean counted(Holder from) {
            if (open) {
                calls.assign(sender, -1);
                calls.assign(from, 1);
            }
            bytes.assign(sender, -here - whole);
            bytes.assign(from, here + whole);
            sender = from;
            if (calls.isTooMuch(from)) {
                refuse(Status.RESOURCE_EXHAUSTED.withDescription(
                        "Too many calls are open at this server; try again once others have ended"));
            }
            return refused == null;
        }

        /** Its message has been read; a unary call has nothing to send any more. */
        synchronized void awaitsEnd(long now) {
            if (phase == Phase.READ) {
                phase = Phase.END;
                waitsSince = now;
            }
        }

        /** Everything of it is here. */
        synchronized void hasEnded() {
            phase = Phase.READ;
            arrivals.remove(this);
        }

        /** Whether the call has been closed for what was arriving; what it hears then is of no interest. */
        synchronized boolean isRefused() {
            return refused != null;
        }
    }

    private static void close(ServerCall<?, ?> call, Status status) {
        close(call, status, new Metadata());
    }

    /** Ends a call, which may have ended by itself meanwhile. */
    static void close(ServerCall<?, ?> call, Status status, Metadata trailers) {
        try {
            call.close(status, trailers);
        } catch (IllegalStateException e) {
            LOG.debug("The call has ended meanwhile", e);
        }
    }
}
