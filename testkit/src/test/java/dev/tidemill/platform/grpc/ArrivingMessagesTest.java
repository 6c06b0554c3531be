package dev.tidemill.platform.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.grpc.ArrivingMessages.Arrival;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ArrivingMessagesTest {
    private static final long MOST = 1_000_000;

    private final ArrivingMessages arriving = new ArrivingMessages(MOST);
    private final List<Status.Code> closed = new ArrayList<>();

    private class Call extends ServerCall<byte[], byte[]> {
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
            throw new UnsupportedOperationException();
        }
    }

    private Arrival arrival() {
        return arriving.newServerStreamTracer("m", new Metadata());
    }

    private Arrival begun(String sender) {
        Arrival arrival = arrival();
        assertThat(arrival.begins(new Call(), Optional.of(sender).filter(name -> !name.isEmpty())))
                .isTrue();
        return arrival;
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
        ended.begins(
                new Call() {
                    @Override
                    public void close(Status status, Metadata trailers) {
                        throw new IllegalStateException("call already closed");
                    }
                },
                Optional.of("ada"));
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
        assertThat(early.begins(new Call(), Optional.empty()))
                .as("it came before the call had begun")
                .isFalse();
        assertThat(closed).hasSize(2);
        Arrival known = arrival();
        known.inboundWireSize(ArrivingMessages.OF_STRANGERS + 1);
        assertThat(known.begins(new Call(), Optional.of("ada"))).isTrue();
    }

    @Test
    void whatWasTooMuchBeforeTheCallBeganIsRefusedWhenItDoes() {
        Arrival early = arrival();
        early.inboundWireSize(MOST + 1);
        assertThat(arriving.bytes()).isZero();
        assertThat(early.begins(new Call(), Optional.of("ada"))).isFalse();
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
        Arrival idle = begun("ada");
        idle.arrived(10, now);
        idle.inboundMessageRead(0, 10, 10);
        arriving.giveUpSlow(now + ArrivingMessages.PATIENCE.toNanos());
        assertThat(closed).isEmpty();
        arriving.giveUpSlow(
                now + ArrivingMessages.PATIENCE.plus(Duration.ofSeconds(1)).toNanos());
        assertThat(closed).containsExactly(Status.Code.DEADLINE_EXCEEDED, Status.Code.DEADLINE_EXCEEDED);
        assertThat(idle.isRefused()).as("a stream may wait between messages").isFalse();
    }
}
