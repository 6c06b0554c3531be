package dev.tidemill.platform.grpc;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.grpc.ArrivingMessages.Arrival;
import dev.tidemill.platform.grpc.CountedMarshaller.Message;
import dev.tidemill.platform.grpc.Shares.Holder;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What every call passes before any message of it is read: who sends it has to be known where the method asks for that. It keeps who
 * sent a call where the method finds it, and gives back what the call took once it is over. Thread-safe.
 */
final class CallEntrance implements ServerInterceptor {
    /** Who sent the call of this thread. */
    static final Context.Key<Sender> SENDER = Context.key("sender");

    /** No token and no name with one is as long. */
    static final int LONGEST_AUTHORIZATION = 1024;

    /** Version 00 has 55 characters; those to come may have more. */
    private static final int LONGEST_TRACEPARENT = 128;

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final Credentials NONE = new Credentials(Optional.empty(), false);

    /** Kept as long as the call is open, so that nothing in it may be long. */
    record Sender(Credentials credentials, @Nullable String traceparent, String address, Reservation reservation) {}

    /** Answers a call that does not get in. */
    @FunctionalInterface
    interface Refused {
        void tell(GrpcMethod<?, ?> method, ServerCall<?, ?> call, String address, TidemillException why);
    }

    private final Map<String, GrpcMethod<?, ?>> methods;
    private final Admission admission;
    private final BytesInFlight budget;
    private final int mostOfKnown;
    private final Refused refused;

    /**
     * @param methods by their full name
     * @param mostOfKnown bytes of a message from somebody who is known
     */
    CallEntrance(
            Map<String, GrpcMethod<?, ?>> methods,
            Admission admission,
            BytesInFlight budget,
            int mostOfKnown,
            Refused refused) {
        this.methods = Map.copyOf(methods);
        this.admission = admission;
        this.budget = budget;
        this.mostOfKnown = mostOfKnown;
        this.refused = refused;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        // Without the port: what one host is refused is written together.
        String host = peer instanceof InetSocketAddress inet ? inet.getHostString() : String.valueOf(peer);
        Arrival arrival = ArrivingMessages.current();
        if (arrival == null) {
            throw new IllegalStateException("a call that is not counted");
        }
        if (!arrival.begins(call, host)) {
            return new ServerCall.Listener<>() {};
        }
        GrpcMethod<?, ?> method = methods.get(call.getMethodDescriptor().getFullMethodName());
        if (method == null) {
            throw new IllegalStateException("a method that is not of the manifest");
        }
        Credentials credentials;
        Holder holder;
        try {
            // Whether the server lives is answered while nobody can tell who asks.
            credentials = method.access() instanceof Access.Open ? NONE : credentials(headers);
            holder = holder(method, credentials, host);
        } catch (TidemillException e) {
            refused.tell(method, call, host, e);
            return new ServerCall.Listener<>() {};
        }
        if (!arrival.isOf(holder)) {
            return new ServerCall.Listener<>() {};
        }
        Reservation reservation = budget.open(holder.name());
        var sender = new Sender(credentials, traceparent(headers), host, reservation);
        Context context = Context.current().withValue(SENDER, sender);
        int most = holder.known() ? mostOfKnown : (int) ArrivingMessages.OF_STRANGERS;
        return new CountedListener<>(Contexts.interceptCall(context, call, headers, next), arrival, reservation, most);
    }

    /** @throws TidemillException {@code UNAUTHENTICATED} if what is sent cannot be anybody's */
    private static Credentials credentials(Metadata headers) {
        String header = headers.get(AUTHORIZATION);
        if (header == null) {
            return NONE;
        }
        if (header.length() > LONGEST_AUTHORIZATION) {
            throw Admission.unauthenticated();
        }
        return Admission.credentials(header).orElse(NONE);
    }

    private static @Nullable String traceparent(Metadata headers) {
        String header = headers.get(TRACEPARENT);
        return header == null || header.length() > LONGEST_TRACEPARENT ? null : header;
    }

    /**
     * Whose share the call counts to.
     *
     * @throws TidemillException {@code UNAUTHENTICATED} if that is nobody who may call the method, or why that cannot be told now
     */
    private Holder holder(GrpcMethod<?, ?> method, Credentials credentials, String host) {
        if (method.access() instanceof Access.Open) {
            return new Holder(host, false);
        }
        return new Holder(admission.share(credentials).orElseThrow(Admission::unauthenticated), true);
    }

    /** Reads messages as they come, within what is left of the budget. */
    private static final class CountedListener<Q> extends SimpleForwardingServerCallListener<Q> {
        private final Arrival arrival;
        private final Reservation reservation;
        private final int most;

        private CountedListener(ServerCall.Listener<Q> next, Arrival arrival, Reservation reservation, int most) {
            super(next);
            this.arrival = arrival;
            this.reservation = reservation;
            this.most = most;
        }

        @Override
        public void onHalfClose() {
            arrival.hasEnded();
            if (!arrival.isRefused()) {
                super.onHalfClose();
            }
        }

        @Override
        public void onMessage(Q message) {
            if (arrival.isRefused()) {
                return;
            }
            if (message instanceof Message<?> counted) {
                counted.read(reservation, most);
            }
            arrival.taken();
            super.onMessage(message);
            arrival.awaitsEnd(System.nanoTime());
        }

        @Override
        public void onComplete() {
            reservation.close();
            super.onComplete();
        }

        @Override
        public void onCancel() {
            reservation.close();
            super.onCancel();
        }
    }
}
