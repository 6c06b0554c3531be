package dev.tidemill.platform.grpc;

import dev.tidemill.platform.load.OpenConnections;
import io.grpc.netty.shaded.io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Error;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Stream;
import io.grpc.netty.shaded.io.netty.util.AsciiString;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * What each connection passes first: one too many is closed, so is one that does not begin to speak HTTP/2, and a call that has been
 * answered is over even if its caller goes on. gRPC's builder bounds none of these.
 */
final class GuardedConnections implements InternalProtocolNegotiator.ProtocolNegotiator {
    /** In which a connection has to begin. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private final InternalProtocolNegotiator.ProtocolNegotiator negotiator;
    private final OpenConnections counted;
    private final Predicate<InetAddress> proxies;
    private final WorkWaiting work;
    private final boolean tls;

    /**
     * @param negotiator begins a connection that passes
     * @param proxies addresses whose connections are of many
     * @param work for which connections wait
     */
    GuardedConnections(
            InternalProtocolNegotiator.ProtocolNegotiator negotiator,
            OpenConnections counted,
            Predicate<InetAddress> proxies,
            WorkWaiting work) {
        this.negotiator = negotiator;
        this.counted = counted;
        this.proxies = proxies;
        this.work = work;
        this.tls = "https".contentEquals(negotiator.scheme());
    }

    @Override
    public AsciiString scheme() {
        return negotiator.scheme();
    }

    @Override
    public ChannelHandler newHandler(GrpcHttp2ConnectionHandler handler) {
        return new Guard(negotiator.newHandler(handler), handler);
    }

    @Override
    public void close() {
        negotiator.close();
    }

    private final class Guard extends ChannelInboundHandlerAdapter {
        private final ChannelHandler next;
        private final GrpcHttp2ConnectionHandler handler;

        private Guard(ChannelHandler next, GrpcHttp2ConnectionHandler handler) {
            this.next = next;
            this.handler = handler;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            var channel = context.channel();
            if (channel.remoteAddress() instanceof InetSocketAddress peer) {
                InetAddress address = peer.getAddress();
                boolean admitted = counted.open(address, proxies.test(address));
                channel.closeFuture().addListener(closed -> counted.close(address));
                if (!admitted) {
                    channel.close();
                    return;
                }
            }
            handler.connection().addListener(new AnsweredCalls(handler, context));
            var unused = channel.eventLoop()
                    .schedule(
                            () -> {
                                if (!handler.decoder().prefaceReceived()) {
                                    channel.close();
                                }
                            },
                            PATIENCE.toSeconds(),
                            TimeUnit.SECONDS);
            context.pipeline()
                    .addFirst(new ReadingGate(
                            work, () -> tls && !handler.decoder().prefaceReceived()));
            context.pipeline().replace(this, null, next);
        }
    }

    /**
     * Ends streams that are answered and that the caller has not ended (RFC 9113, 8.1): they count no more as calls, but fill memory as
     * long as the connection is open.
     */
    private static final class AnsweredCalls extends Http2ConnectionAdapter {
        private final GrpcHttp2ConnectionHandler handler;
        private final ChannelHandlerContext context;

        private AnsweredCalls(GrpcHttp2ConnectionHandler handler, ChannelHandlerContext context) {
            this.handler = handler;
            this.context = context;
        }

        @Override
        public void onStreamHalfClosed(Http2Stream stream) {
            if (stream.state() == Http2Stream.State.HALF_CLOSED_LOCAL) {
                // Its end may be among what has been received already.
                context.channel().eventLoop().execute(() -> end(stream));
            }
        }

        private void end(Http2Stream stream) {
            ChannelHandlerContext current = context.pipeline().context(handler);
            if (current != null && stream.state() == Http2Stream.State.HALF_CLOSED_LOCAL) {
                handler.resetStream(current, stream.id(), Http2Error.NO_ERROR.code(), current.newPromise());
                current.flush();
            }
        }
    }
}
