package dev.tidemill.platform.grpc;

import io.grpc.netty.shaded.io.netty.channel.ChannelDuplexHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.BooleanSupplier;

/**
 * Keeps what a connection has sent, and reads no more of it, while too much work has not ended. Handlers behind it ask for more at each
 * end of a read, so that these are kept from them too. Of the connection's own thread.
 */
final class ReadingGate extends ChannelDuplexHandler {
    private final WorkWaiting work;
    private final BooleanSupplier beginning;
    private final Queue<Object> kept = new ArrayDeque<>();

    /** @param beginning whether the connection is still being made, and has no calls: what it sends for that is passed on */
    ReadingGate(WorkWaiting work, BooleanSupplier beginning) {
        this.work = work;
        this.beginning = beginning;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
        if (kept.isEmpty() && (beginning.getAsBoolean() || !work.isTooMuch())) {
            context.fireChannelRead(bytes);
            return;
        }
        boolean first = kept.isEmpty();
        kept.add(bytes);
        if (first) {
            context.channel().config().setAutoRead(false);
            await(context);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (kept.isEmpty()) {
            context.fireChannelReadComplete();
        }
    }

    @Override
    public void read(ChannelHandlerContext context) {
        if (kept.isEmpty()) {
            context.read();
        }
    }

    private void await(ChannelHandlerContext context) {
        work.whenThereIsRoom(() -> context.executor().execute(() -> {
            try {
                goOn(context);
            } finally {
                work.next();
            }
        }));
    }

    private void goOn(ChannelHandlerContext context) {
        Object bytes = kept.poll();
        if (bytes == null) {
            return;
        }
        if (context.isRemoved() || !context.channel().isActive()) {
            ReferenceCountUtil.release(bytes);
            release();
            return;
        }
        context.fireChannelRead(bytes);
        if (!kept.isEmpty()) {
            await(context);
            return;
        }
        context.fireChannelReadComplete();
        context.channel().config().setAutoRead(true);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        release();
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        release();
    }

    private void release() {
        for (Object bytes = kept.poll(); bytes != null; bytes = kept.poll()) {
            ReferenceCountUtil.release(bytes);
        }
    }
}
