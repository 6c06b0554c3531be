package dev.tidemill.platform.grpc;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.TlsFiles;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.grpc.CallEntrance.Sender;
import dev.tidemill.platform.grpc.CountedMarshaller.Message;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.OpenConnections;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Serves the route manifest's gRPC methods on virtual threads. A method that the manifest lacks does not exist: services are
 * assembled from it, not from generated base classes.
 */
public final class GrpcServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GrpcServer.class);
    private static final Metadata.Key<String> CODE = Metadata.Key.of("tidemill-code", Metadata.ASCII_STRING_MARSHALLER);

    /** Messages at a time that one connection may have under way. */
    private static final int CALLS_OF_ONE_CONNECTION = 1_000;

    /** Of memory outside of the heap, of which there is as much as of the heap. */
    private static final double SHARE_ARRIVING = 0.25;

    /** Of the heap, for calls that are open. */
    private static final double SHARE_OF_CALLS = 1.0 / 16;

    /** Bytes that a call holds at most beside its messages. */
    private static final int WEIGHT_OF_CALL = 8 * 1024;

    /** For how long a connection may be open without a call. */
    private static final Duration IDLE = Duration.ofMinutes(5);

    /** Calls that one connection may reset in {@link #RESETS_SECONDS}: as many as it may have, twice. */
    private static final int RESETS = 2 * CALLS_OF_ONE_CONNECTION;

    private static final int RESETS_SECONDS = 10;

    /** Pieces of work that have not ended beside those of open calls, each of which has one at a time. */
    private static final int WORK_OF_RESET_CALLS = 1_000;

    /** As many bytes of headers as other servers take. */
    private static final int MOST_METADATA = 8 * 1024;

    private static final Duration LOOK = Duration.ofSeconds(2);

    /**
     * @param host address to listen on
     * @param port port to listen on; 0 picks a free one
     * @param maxMessage most bytes of one message
     * @param connectionsOfOne connections of one address at a time
     * @param proxies addresses whose connections are of many
     * @param tls with it nothing is answered without TLS
     */
    public record Settings(
            String host,
            int port,
            int maxMessage,
            int connectionsOfOne,
            Predicate<InetAddress> proxies,
            Optional<TlsFiles> tls) {}

    private final Settings settings;
    private final Admission admission;
    private final Telemetry telemetry;
    private final RefusalJournal refusals;
    private final Server server;
    private final long mostCalls = ofHeap(SHARE_OF_CALLS) / WEIGHT_OF_CALL;
    private final ArrivingMessages arriving = new ArrivingMessages(ofHeap(SHARE_ARRIVING), mostCalls);
    private final WorkWaiting work = new WorkWaiting((int) Math.min(mostCalls, 1 << 20) + WORK_OF_RESET_CALLS);
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
        // A connection carries many calls, so that few are needed.
        int files = OpenConnections.mostFiles();
        var connections =
                new OpenConnections(Math.min(Math.max(1, settings.connectionsOfOne() / 4), files / 8), files / 4);
        var services = new TreeMap<String, ServerServiceDefinition.Builder>();
        var byName = new HashMap<String, GrpcMethod<?, ?>>();
        for (GrpcMethod<?, ?> method : methods) {
            byName.put(method.descriptor().getFullMethodName(), method);
            String service = String.valueOf(method.descriptor().getServiceName());
            add(services.computeIfAbsent(service, ServerServiceDefinition::builder), method);
        }
        var builder = NettyServerBuilder.forAddress(new InetSocketAddress(settings.host(), settings.port()))
                .maxInboundMessageSize(settings.maxMessage())
                .maxInboundMetadataSize(MOST_METADATA)
                .decompressorRegistry(DecompressorRegistry.emptyInstance()
                        .with(Codec.Identity.NONE, false)
                        .with(new UnpackedLater(), true))
                .permitKeepAliveTime(10, TimeUnit.SECONDS)
                .keepAliveTime(1, TimeUnit.MINUTES)
                .maxConnectionIdle(IDLE.toSeconds(), TimeUnit.SECONDS)
                .handshakeTimeout(GuardedConnections.PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .executor(work)
                .maxConcurrentCallsPerConnection(CALLS_OF_ONE_CONNECTION)
                .maxRstFramesPerWindow(RESETS, RESETS_SECONDS)
                .addStreamTracerFactory(arriving)
                .intercept(new CallEntrance(byName, admission, budget, settings.maxMessage(), this::refuse));
        builder.protocolNegotiator(
                new GuardedConnections(negotiator(settings.tls()), connections, settings.proxies(), work));
        services.values().forEach(service -> builder.addService(service.build()));
        this.server = builder.build();
        telemetry.gauge(
                "tidemill.grpc.arriving.bytes", "Bytes of gRPC messages that are not whole yet", arriving::bytes);
        telemetry.gauge(
                "tidemill.grpc.connections.refused",
                "gRPC connections beyond one address's share, or beyond those of all",
                connections::refused);
        telemetry.gauge(
                "tidemill.grpc.work",
                "Pieces of work of gRPC calls that have not ended, reset ones too",
                work::unfinished);
        telemetry.gauge("tidemill.grpc.calls.open", "gRPC calls that are open", arriving::calls);
    }

    private static InternalProtocolNegotiator.ProtocolNegotiator negotiator(Optional<TlsFiles> tls) {
        if (tls.isEmpty()) {
            return InternalProtocolNegotiators.serverPlaintext();
        }
        TlsFiles files = tls.get();
        try {
            return InternalProtocolNegotiators.serverTls(GrpcSslContexts.forServer(
                            files.certificate().toFile(), files.key().toFile())
                    .build());
        } catch (SSLException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long ofHeap(double share) {
        return (long) (Runtime.getRuntime().maxMemory() * share);
    }

    private <Q, A> void add(ServerServiceDefinition.Builder service, GrpcMethod<Q, A> method) {
        MethodDescriptor<Message<Q>, A> counted = method.descriptor().toBuilder(
                        new CountedMarshaller<>(method.descriptor().getRequestMarshaller()),
                        method.descriptor().getResponseMarshaller())
                .build();
        if (method.descriptor().getType() == MethodDescriptor.MethodType.UNARY) {
            service.addMethod(counted, ServerCalls.asyncUnaryCall((Message<Q> message, StreamObserver<A> observer) -> {
                if (serve(method, CallEntrance.SENDER.get(), message, observer)) {
                    observer.onCompleted();
                }
            }));
            return;
        }
        service.addMethod(
                counted,
                ServerCalls.asyncBidiStreamingCall(
                        observer -> new Conversation<>(method, CallEntrance.SENDER.get(), observer)));
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

    /** Calls that are open. */
    long calls() {
        return arriving.calls();
    }

    /** Pieces of work that have not ended. */
    int work() {
        return work.unfinished();
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
            caller = admission.admit(
                    accessTo(method, message),
                    sender.credentials(),
                    principal -> method.project().apply(message.value()));
            Q request = message.value();
            if (!(method.access() instanceof Access.Open)) {
                sender.reservation().countTo(caller.share());
            }
            Caller known = caller;
            observer.onNext(RequestMemory.of(
                    sender.reservation(), () -> method.endpoint().answer(request, known)));
            return true;
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            TidemillException error = coded(method, e);
            status = error.code().httpStatus();
            if (status == 401 || status == 403) {
                String actor = caller == null ? admission.actor(sender.credentials()) : caller.actor();
                journal(method, actor, sender.address(), error);
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

    /** A message that was not read tells nothing but who sent it. */
    private static Access accessTo(GrpcMethod<?, ?> method, Message<?> message) {
        return message.isRefused() && !(method.access() instanceof Access.Open) ? Access.signedIn() : method.access();
    }

    private void journal(GrpcMethod<?, ?> method, String actor, String address, TidemillException error) {
        refusals.record(new RefusalJournal.Refusal(
                actor, address, "GRPC", method.descriptor().getFullMethodName(), error.code()));
    }

    /** Answers a call of which no message is read. */
    private void refuse(GrpcMethod<?, ?> method, ServerCall<?, ?> call, String address, TidemillException error) {
        int status = error.code().httpStatus();
        if (status == 401) {
            journal(method, Actor.UNKNOWN, address, error);
        }
        telemetry.requestServed(method.signature(), status, 0);
        ArrivingMessages.close(call, status(error), trailers(error));
    }

    private static TidemillException coded(GrpcMethod<?, ?> method, Throwable failure) {
        if (failure instanceof TidemillException coded) {
            return coded;
        }
        LOG.error("{} failed", method.signature(), failure);
        return new TidemillException(ErrorCode.INTERNAL, "Something went wrong on the server");
    }

    private static void fail(StreamObserver<?> observer, TidemillException error) {
        observer.onError(status(error).asRuntimeException(trailers(error)));
    }

    private static Status status(TidemillException error) {
        return Status.fromCode(Status.Code.valueOf(error.code().grpcStatus()))
                .withDescription(error.messageAndRemedy());
    }

    private static Metadata trailers(TidemillException error) {
        var trailers = new Metadata();
        trailers.put(CODE, error.code().name());
        return trailers;
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
}
