package dev.tidemill.platform.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.grpc.ArrivingMessages.Arrival;
import dev.tidemill.platform.grpc.Shares.Holder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArrivingMessagesTest {
    private static final long MOST = 1_000_000;

    private static final long MOST_CALLS = 160;

    private final ArrivingMessages arriving = new ArrivingMessages(MOST, MOST_CALLS);
    private final List<Status.Code> closed = new ArrayList<>();
    private int hosts;

    private class Call extends ServerCall<byte[], byte[]> {
        private final MethodType type;

        private Call() {
            this(MethodType.UNARY);
        }

        private Call(MethodType type) {
            this.type = type;
        }

        @Override
        public void request(int messages) {}

        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(byte[] message) {}

        @Override
        public void close(Status status, Metadata trailers) {
            closed.add(status.getCode());
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public MethodDescriptor<byte[], byte[]> getMethodDescriptor() {
            return MethodDescriptor.newBuilder(GrpcServerTest.BYTES, GrpcServerTest.BYTES)
                    .setType(type)
                    .setFullMethodName("test.Test/Count")
                    .build();
        }
    }

    private Arrival arrival() {
        return arriving.newServerStreamTracer("m", new Metadata());
    }

    /** A call of a user; of a stranger, each on a host of its own, where there is no name. */
    private Arrival begun(String sender) {
        Arrival arrival = arrival();
        assertThat(begins(arrival, new Call(), holder(sender))).isTrue();
        return arrival;
    }

    private Holder holder(String sender) {
        return sender.isEmpty() ? new Holder("host-" + hosts++, false) : new Holder(sender, true);
    }

    private static boolean begins(Arrival arrival, ServerCall<?, ?> call, Holder holder) {
        return arrival.begins(call, "192.0.2.1") && arrival.isOf(holder);
    }

    @Test
    void theOneThatWouldBeTooMuchIsRefusedAndTheOthersGoOn() {
        Arrival first = begun("ada");
        first.inboundWireSize(500_000);
        Arrival second = begun("bob");
        Arrival third = begun("eve");
        third.inboundWireSize(300_000);
        second.inboundWireSize(100_000);
        second.inboundWireSize(150_000);
        assertThat(closed).containsExactly(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(second.isRefused()).isTrue();
        assertThat(arriving.bytes()).isEqualTo(800_000);
        second.inboundWireSize(300_000);
        assertThat(arriving.bytes()).as("what still comes of it is thrown away").isEqualTo(800_000);
        first.inboundMessageRead(0, 500_000, 500_000);
        assertThat(arriving.bytes()).as("it waits to be read").isEqualTo(800_000);
        first.taken();
        assertThat(arriving.bytes()).isEqualTo(300_000);
        first.inboundWireSize(500_000);
        assertThat(first.isRefused()).as("each message is counted for itself").isFalse();
        first.streamClosed(Status.OK);
        second.streamClosed(Status.OK);
        third.streamClosed(Status.OK);
        assertThat(arriving.bytes()).isZero();
    }

    @Test
    void oneSenderAndAllStrangersHaveTheirShareAndNoMore() {
        for (int i = 0; i < 10; i++) {
            begun("ada").inboundWireSize(100_000);
        }
        assertThat(closed).as("half is for one").hasSize(5).containsOnly(Status.Code.RESOURCE_EXHAUSTED);
        for (int i = 0; i < 10; i++) {
            begun("").inboundWireSize(60_000);
        }
        assertThat(closed).as("an eighth is for strangers").hasSize(13);
        Arrival bob = begun("bob");
        bob.inboundWireSize(300_000);
        assertThat(bob.isRefused()).isFalse();
    }

    @Test
    void aCallThatHasEndedMeanwhileHarmsNobody() {
        Arrival ended = arrival();
        begins(
                ended,
                new Call() {
                    @Override
                    public void close(Status status, Metadata trailers) {
                        throw new IllegalStateException("call already closed");
                    }
                },
                holder("ada"));
        ended.inboundWireSize(MOST + 1);
        assertThat(ended.isRefused()).isTrue();
        assertThat(arriving.bytes()).isZero();
    }

    @Test
    void aStrangerMaySendLittle() {
        Arrival little = begun("");
        little.inboundWireSize(ArrivingMessages.OF_STRANGERS);
        assertThat(little.isRefused()).isFalse();
        little.inboundWireSize(1);
        assertThat(closed).containsExactly(Status.Code.UNAUTHENTICATED);
        Arrival early = arrival();
        early.inboundWireSize(ArrivingMessages.OF_STRANGERS + 1);
        assertThat(begins(early, new Call(), holder("")))
                .as("it came before the call had begun")
                .isFalse();
        assertThat(closed).hasSize(2);
        Arrival known = arrival();
        known.inboundWireSize(ArrivingMessages.OF_STRANGERS + 1);
        assertThat(begins(known, new Call(), holder("ada"))).isTrue();
    }

    @Test
    void whatWasTooMuchBeforeTheCallBeganIsRefusedWhenItDoes() {
        Arrival early = arrival();
        early.inboundWireSize(MOST + 1);
        assertThat(arriving.bytes()).isZero();
        assertThat(begins(early, new Call(), holder("ada"))).isFalse();
        assertThat(closed).containsExactly(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void whoPausesWithinAMessageIsGivenUp() {
        long now = System.nanoTime();
        Arrival stalled = begun("ada");
        stalled.arrived(20_000, now);
        Arrival slow = begun("bob");
        slow.arrived(10, now);
        slow.arrived(10, now + ArrivingMessages.PATIENCE.toNanos());
        Arrival idle = arrival();
        assertThat(begins(idle, new Call(MethodType.BIDI_STREAMING), holder("ada")))
                .isTrue();
        idle.arrived(10, now);
        idle.inboundMessageRead(0, 10, 10);
        arriving.giveUpSlow(now + ArrivingMessages.PATIENCE.toNanos());
        assertThat(closed).isEmpty();
        arriving.giveUpSlow(
                now + ArrivingMessages.PATIENCE.plus(Duration.ofSeconds(1)).toNanos());
        assertThat(closed).containsExactly(Status.Code.DEADLINE_EXCEEDED, Status.Code.DEADLINE_EXCEEDED);
        assertThat(idle.isRefused()).as("a stream may wait between messages").isFalse();
    }

    private void look(long now, Duration after) {
        arriving.giveUpSlow(now + after.toNanos());
    }

    /** However much came at first. */
    @Test
    void eachStretchOfAMessageHasToComeAtTheLeastRate() {
        long now = System.nanoTime();
        Arrival trickling = begun("ada");
        trickling.arrived(400_000, now);
        for (int second = 0; second < 30; second += 2) {
            trickling.arrived(1, now + Duration.ofSeconds(second).toNanos());
            look(now, Duration.ofSeconds(second));
        }
        assertThat(closed).containsExactly(Status.Code.DEADLINE_EXCEEDED);
        assertThat(arriving.bytes()).isZero();
    }

    @Test
    void aMessageHasToBeWholeInTheEnd() {
        long now = System.nanoTime();
        Arrival steady = begun("ada");
        for (int second = 0; second <= ArrivingMessages.LONGEST.toSeconds(); second++) {
            steady.arrived(1100, now + Duration.ofSeconds(second).toNanos());
            look(now, Duration.ofSeconds(second));
        }
        assertThat(closed).isEmpty();
        look(now, ArrivingMessages.LONGEST.plusSeconds(10));
        assertThat(closed).containsExactly(Status.Code.DEADLINE_EXCEEDED);
    }

    @Test
    void aLargeMessageOverASlowLinkHasAsLongAsItTakes() {
        var roomy = new ArrivingMessages(1L << 30, MOST_CALLS);
        Arrival large = roomy.newServerStreamTracer("m", new Metadata());
        assertThat(begins(large, new Call(), holder("ada"))).isTrue();
        long now = System.nanoTime();
        long twice = 2 * ArrivingMessages.LONGEST.toSeconds();
        for (int second = 0; second <= twice; second++) {
            large.arrived(
                    ArrivingMessages.RATE_OF_LARGE,
                    now + Duration.ofSeconds(second).toNanos());
            roomy.giveUpSlow(now + Duration.ofSeconds(second).toNanos());
        }
        assertThat(closed).isEmpty();
    }

    @Test
    void aUnaryCallHasToBringItsMessageAndThenItsEnd() {
        begun("ada");
        Arrival ended = begun("bob");
        ended.inboundWireSize(10);
        ended.inboundMessageRead(0, 10, 10);
        ended.hasEnded();
        Arrival asked = begun("bob");
        asked.inboundWireSize(10);
        asked.inboundMessageRead(0, 10, 10);
        Arrival stream = arrival();
        assertThat(begins(stream, new Call(MethodType.BIDI_STREAMING), holder("ada")))
                .isTrue();
        long now = System.nanoTime();
        look(now, ArrivingMessages.PATIENCE.plusSeconds(1));
        assertThat(closed).as("the one without a message").containsExactly(Status.Code.DEADLINE_EXCEEDED);
        asked.awaitsEnd(now);
        look(now, ArrivingMessages.PATIENCE_FOR_END.minusSeconds(1));
        assertThat(asked.isRefused()).isFalse();
        look(now, ArrivingMessages.PATIENCE_FOR_END.plusSeconds(1));
        assertThat(asked.isRefused()).isTrue();
        look(now, Duration.ofHours(1));
        assertThat(ended.isRefused()).as("it is answered").isFalse();
        assertThat(stream.isRefused()).as("a stream may wait").isFalse();
    }

    @Test
    void openCallsAreSharedAsBytesAre() {
        var calls = new ArrayList<Arrival>();
        var stranger = new Holder("192.0.2.1", false);
        for (int i = 0; i < 20; i++) {
            calls.add(arrival());
            begins(calls.getLast(), new Call(), stranger);
        }
        assertThat(closed).as("one host of a stranger has a sixteenth").hasSize(10);
        calls.forEach(call -> call.streamClosed(Status.OK));
        calls.clear();
        closed.clear();
        for (int i = 0; i < 100; i++) {
            calls.add(arrival());
            begins(calls.getLast(), new Call(), holder("ada"));
        }
        assertThat(closed).as("half is for one").hasSize(20).containsOnly(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(begins(arrival(), new Call(), holder("bob"))).isTrue();
        assertThat(arriving.calls()).isEqualTo(101);
        calls.forEach(call -> call.streamClosed(Status.OK));
        assertThat(arriving.calls()).isEqualTo(1);
    }
}
