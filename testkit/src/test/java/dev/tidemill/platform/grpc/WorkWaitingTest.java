package dev.tidemill.platform.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.testkit.Await;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WorkWaitingTest {
    private final WorkWaiting work = new WorkWaiting(2);

    private CountDownLatch busy() {
        var release = new CountDownLatch(1);
        work.execute(() -> Await.until("it may end", () -> release.getCount() == 0));
        return release;
    }

    @Test
    void whoComesWhileThereIsTooMuchWaitsForItsTurn() {
        List<CountDownLatch> releases = List.of(busy(), busy());
        assertThat(work.isTooMuch()).isTrue();
        var gone = new ArrayList<Integer>();
        for (int i = 0; i < 5; i++) {
            int number = i;
            work.whenThereIsRoom(() -> {
                synchronized (gone) {
                    gone.add(number);
                }
            });
        }
        assertThat(gone).isEmpty();
        releases.getFirst().countDown();
        Await.until("one to go on", () -> work.unfinished() == 1 && gone.size() == 1);
        work.next();
        assertThat(gone).as("one after the other").containsExactly(0, 1);
        releases.getLast().countDown();
        Await.until("the next to go on", () -> gone.size() == 3);
        work.next();
        work.next();
        work.next();
        assertThat(gone).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void workThatFailsHasEnded() {
        work.execute(() -> {
            throw new IllegalStateException("as tests have it");
        });
        Await.until("it to have ended", () -> work.unfinished() == 0);
    }

    /** What came meanwhile comes in its order once there is room, and nothing more is read before. */
    @Test
    void aConnectionKeepsWhatItHasSentMeanwhile() {
        var channel = new EmbeddedChannel(new ReadingGate(work, () -> false));
        channel.writeInbound("before");
        CountDownLatch first = busy();
        CountDownLatch second = busy();
        channel.writeInbound("one", "two");
        assertThat(channel.config().isAutoRead()).isFalse();
        assertThat((String) channel.readInbound()).isEqualTo("before");
        assertThat((Object) channel.readInbound()).isNull();
        first.countDown();
        second.countDown();
        var read = new ArrayList<Object>();
        Await.until("both to be read", () -> {
            channel.runPendingTasks();
            for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
                read.add(message);
            }
            return read.size() == 2;
        });
        assertThat(read).containsExactly("one", "two");
        assertThat(channel.config().isAutoRead()).isTrue();
        assertThat(channel.finish()).isFalse();
    }

    /** The handlers of HTTP/2 and of TLS ask for more at each end of a read, whatever the channel reads by itself. */
    @Test
    void nothingMoreIsReadWhileItWaitsHoweverOftenItIsAskedFor() {
        var reads = new AtomicInteger();
        var counting = new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext context) {
                reads.incrementAndGet();
                context.read();
            }
        };
        var greedy = new ChannelInboundHandlerAdapter() {
            @Override
            public void channelReadComplete(ChannelHandlerContext context) {
                context.read();
            }
        };
        var channel = new EmbeddedChannel(counting, new ReadingGate(work, () -> false), greedy);
        CountDownLatch first = busy();
        CountDownLatch second = busy();
        channel.writeInbound("one");
        int before = reads.get();
        for (int i = 0; i < 20; i++) {
            channel.pipeline().fireChannelReadComplete();
            channel.read();
        }
        assertThat(reads.get()).isEqualTo(before);
        first.countDown();
        second.countDown();
        Await.until("it to be read on", () -> {
            channel.runPendingTasks();
            return reads.get() > before;
        });
        assertThat((String) channel.readInbound()).isEqualTo("one");
    }

    /** What a connection begins with is its own to do in time, and makes no calls. */
    @Test
    void aConnectionThatIsBeginningIsNotKeptWaiting() {
        var beginning = new AtomicBoolean(true);
        var channel = new EmbeddedChannel(new ReadingGate(work, beginning::get));
        CountDownLatch first = busy();
        CountDownLatch second = busy();
        channel.writeInbound("hello");
        assertThat((String) channel.readInbound()).isEqualTo("hello");
        beginning.set(false);
        channel.writeInbound("call");
        assertThat((Object) channel.readInbound()).isNull();
        first.countDown();
        second.countDown();
    }
}
