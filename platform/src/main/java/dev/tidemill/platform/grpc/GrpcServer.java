package dev.tidemill.platform.grpc;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.TlsFiles;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.grpc.CountedMarshaller.Message;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Serves the route manifest's gRPC methods on virtual threads. A method that the manifest lacks does not exist: services are
 * assembled from it, not from generated base classes.
 */
public final class GrpcServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GrpcServer.class);
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> CODE = Metadata.Key.of("tidemill-code", Metadata.ASCII_STRING_MARSHALLER);
    private static final Context.Key<Sender> SENDER = Context.key("sender");

    /** Messages at a time that one connection may have under way. */
    private static final int CALLS_OF_ONE_CONNECTION = 1_000;

    /** Of memory outside of the heap, of which there is as much as of the heap. */
    private static final double SHARE_ARRIVING = 0.25;

    private static final Duration LOOK = Duration.ofSeconds(2);

    private record Sender(
            Credentials credentials, @Nullable String traceparent, String address, Reservation reservation) {}

    /**
     * @param host address to listen on
     * @param port port to listen on; 0 picks a free one
     * @param maxMessage most bytes of one message
     * @param tls with it nothing is answered without TLS
     */
    public record Settings(String host, int port, int maxMessage, Optional<TlsFiles> tls) {}

    private final Settings settings;
    private final Admission admission;
    private final Telemetry telemetry;
    private final RefusalJournal refusals;
    private final Server server;
    private final ArrivingMessages arriving =
            new ArrivingMessages((long) (Runtime.getRuntime().maxMemory() * SHARE_ARRIVING));
    private final Loop slow = Loop.every("grpc-slow", LOOK, () -> arriving.giveUpSlow(System.nanoTime()));

    public GrpcServer(
            Settings settings,
            Iterable<GrpcMethod<?, ?>> methods,
            Admission admission,
            Telemetry telemetry,
            RefusalJournal refusals,
            BytesInFlight budget) {
        this.settings = settings;
        this.admission = admission;
        this.telemetry = telemetry;
        this.refusals = refusals;
        var services = new TreeMap<String, ServerServiceDefinition.Builder>();
        for (GrpcMethod<?, ?> method : methods) {
            String service = String.valueOf(method.descriptor().getServiceName());
            add(services.computeIfAbsent(service, ServerServiceDefinition::builder), method);
        }
        var builder = NettyServerBuilder.forAddress(new InetSocketAddress(settings.host(), settings.port()))
                .maxInboundMessageSize(settings.maxMessage())
                .maxInboundMetadataSize(16 * 1024)
                .permitKeepAliveTime(10, TimeUnit.SECONDS)
                .executor(Executors.newVirtualThreadPerTaskExecutor())
                .maxConcurrentCallsPerConnection(CALLS_OF_ONE_CONNECTION)
                .addStreamTracerFactory(arriving)
                .intercept(new SenderInterceptor(budget, admission));
        settings.tls()
                .ifPresent(files -> builder.useTransportSecurity(
                        files.certificate().toFile(), files.key().toFile()));
        services.values().forEach(service -> builder.addService(service.build()));
        this.server = builder.build();
        telemetry.gauge(
                "tidemill.grpc.arriving.bytes", "Bytes of gRPC messages that are not whole yet", arriving::bytes);
    }

    private <Q, A> void add(ServerServiceDefinition.Builder service, GrpcMethod<Q, A> method) {
        MethodDescriptor<Message<Q>, A> counted = method.descriptor().toBuilder(
                        new CountedMarshaller<>(method.descriptor().getRequestMarshaller(), settings.maxMessage()),
                        method.descriptor().getResponseMarshaller())
                .build();
        if (method.descriptor().getType() == MethodDescriptor.MethodType.UNARY) {
            service.addMethod(counted, ServerCalls.asyncUnaryCall((Message<Q> message, StreamObserver<A> observer) -> {
                if (serve(method, SENDER.get(), message, observer)) {
                    observer.onCompleted();
                }
            }));
            return;
        }
        service.addMethod(
                counted,
                ServerCalls.asyncBidiStreamingCall(observer -> new Conversation<>(method, SENDER.get(), observer)));
    }

    /**
     * Starts listening.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the port is taken
     */
    public GrpcServer start() {
        try {
            server.start();
            slow.start();
            return this;
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "gRPC port " + settings.port() + " on " + settings.host() + " is taken by another process")
                    .at("grpc-port")
                    .remedy("Stop that process, or choose another port with --grpc-port (0 picks a free one)")
                    .causedBy(e);
        }
    }

    public int port() {
        return server.getPort();
    }

    /** Bytes of messages that are not whole yet. */
    long arriving() {
        return arriving.bytes();
    }

    /** A stream: its requests are answered one after the other, as they come. */
    private final class Conversation<Q, A> implements StreamObserver<Message<Q>> {
        private final GrpcMethod<Q, A> method;
        private final Sender sender;
        private final StreamObserver<A> observer;
        private boolean over;

        private Conversation(GrpcMethod<Q, A> method, Sender sender, StreamObserver<A> observer) {
            this.method = method;
            this.sender = sender;
            this.observer = observer;
        }

        @Override
        public void onNext(Message<Q> message) {
            // What its answer took is given back with it: a stream has no end.
            long before = sender.reservation().held();
            over = over || !serve(method, sender, message, observer);
            sender.reservation().give(sender.reservation().held() - before + message.weight());
        }

        @Override
        public void onError(Throwable gone) {
            over = true;
        }

        @Override
        public void onCompleted() {
            if (!over) {
                observer.onCompleted();
            }
        }
    }

    /** Answers one request; false if that ended the call. */
    private <Q, A> boolean serve(
            GrpcMethod<Q, A> method, Sender sender, Message<Q> message, StreamObserver<A> observer) {
        long started = System.nanoTime();
        MDC.put("request", Ids.next());
        var span = telemetry.startRequest(method.signature(), sender.traceparent());
        int status = 200;
        Caller caller = null;
        try {
            // A message that found no room was not read, so that nothing is known of it but who sent it.
            caller = admission.admit(
                    message.isRefused() ? Access.signedIn() : method.access(),
                    sender.credentials(),
                    principal -> method.project().apply(message.value()));
            Q request = message.value();
            sender.reservation().countTo(caller.actor());
            Caller known = caller;
            observer.onNext(RequestMemory.of(
                    sender.reservation(), () -> method.endpoint().answer(request, known)));
            return true;
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            TidemillException error = coded(method, e);
            status = error.code().httpStatus();
            if (status == 401 || status == 403) {
                String actor = caller == null ? admission.actor(sender.credentials()) : caller.actor();
                refusals.record(new RefusalJournal.Refusal(
                        actor, sender.address(), "GRPC", method.descriptor().getFullMethodName(), error.code()));
            }
            if (caller != null && method.failure().isPresent()) {
                observer.onNext(method.failure().get().apply(error));
                return true;
            }
            fail(observer, error);
            return false;
        } finally {
            span.end(status);
            telemetry.requestServed(method.signature(), status, System.nanoTime() - started);
            MDC.remove("request");
        }
    }

    private static TidemillException coded(GrpcMethod<?, ?> method, Throwable failure) {
        if (failure instanceof TidemillException coded) {
            return coded;
        }
        LOG.error("{} failed", method.signature(), failure);
        return new TidemillException(ErrorCode.INTERNAL, "Something went wrong on the server");
    }

    private static void fail(StreamObserver<?> observer, TidemillException error) {
        var trailers = new Metadata();
        trailers.put(CODE, error.code().name());
        observer.onError(Status.fromCode(Status.Code.valueOf(error.code().grpcStatus()))
                .withDescription(error.messageAndRemedy())
                .asRuntimeException(trailers));
    }

    @Override
    public void close() {
        slow.close();
        server.shutdown();
        try {
            if (!server.awaitTermination(2, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** Keeps who sent a call where the method finds it, and gives back what the call took once it is over. */
    private record SenderInterceptor(BytesInFlight budget, Admission admission) implements ServerInterceptor {
        /** Who sends it; empty for a stranger. Where that cannot be looked up now, the admission of the message will say so. */
        private Optional<String> sender(Credentials credentials, String host) {
            String sender = credentials.secret().map(Ids::sha256).orElse(host);
            try {
                return Optional.of(sender).filter(known -> admission.isKnown(credentials));
            } catch (TidemillException e) {
                return Optional.of(sender);
            }
        }

        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            var credentials = Optional.ofNullable(headers.get(AUTHORIZATION))
                    .flatMap(Admission::credentials)
                    .orElseGet(() -> new Credentials(Optional.empty(), false));
            SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
            String address = String.valueOf(peer);
            String host = peer instanceof InetSocketAddress inet ? inet.getHostString() : address;
            ArrivingMessages.Arrival arrival = ArrivingMessages.current();
            if (arrival != null && !arrival.begins(call, sender(credentials, host))) {
                return new ServerCall.Listener<>() {};
            }
            Reservation reservation = budget.open(host);
            var sender = new Sender(credentials, headers.get(TRACEPARENT), address, reservation);
            Context context = Context.current().withValue(SENDER, sender);
            return new SimpleForwardingServerCallListener<>(Contexts.interceptCall(context, call, headers, next)) {
                @Override
                public void onHalfClose() {
                    if (arrival == null || !arrival.isRefused()) {
                        super.onHalfClose();
                    }
                }

                @Override
                public void onMessage(Q message) {
                    if (arrival != null && arrival.isRefused()) {
                        return;
                    }
                    if (message instanceof Message<?> counted) {
                        counted.read(reservation);
                    }
                    super.onMessage(message);
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
            };
        }
    }
}
