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
import org.junit.jupiter.api.Test;

class ArrivingMessagesTest {
    private static final long MOST = 1_000_000;

    private final ArrivingMessages arriving = new ArrivingMessages(MOST);
    private final List<Status.Code> closed = new ArrayList<>();

    private final class Call extends ServerCall<byte[], byte[]> {
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

    private Arrival begun(boolean known) {
        Arrival arrival = arrival();
        assertThat(arrival.begins(new Call(), known)).isTrue();
        return arrival;
    }

    @Test
    void theOneThatWouldBeTooMuchIsRefusedAndTheOthersGoOn() {
        Arrival first = begun(true);
        first.inboundWireSize(600_000);
        Arrival second = begun(true);
        second.inboundWireSize(300_000);
        second.inboundWireSize(300_000);
        assertThat(closed).containsExactly(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(second.isRefused()).isTrue();
        assertThat(arriving.bytes()).isEqualTo(600_000);
        second.inboundWireSize(300_000);
        assertThat(arriving.bytes()).as("what still comes of it is thrown away").isEqualTo(600_000);
        first.inboundMessageRead(0, 600_000, 600_000);
        first.inboundWireSize(900_000);
        assertThat(first.isRefused()).as("each message is counted for itself").isFalse();
        first.streamClosed(Status.OK);
        second.streamClosed(Status.OK);
        assertThat(arriving.bytes()).isZero();
    }

    @Test
    void aStrangerMaySendLittle() {
        Arrival little = begun(false);
        little.inboundWireSize(ArrivingMessages.OF_STRANGERS);
        assertThat(little.isRefused()).isFalse();
        little.inboundWireSize(1);
        assertThat(closed).containsExactly(Status.Code.UNAUTHENTICATED);
        Arrival early = arrival();
        early.inboundWireSize(ArrivingMessages.OF_STRANGERS + 1);
        assertThat(early.begins(new Call(), false))
                .as("it came before the call had begun")
                .isFalse();
        assertThat(closed).hasSize(2);
        Arrival known = arrival();
        known.inboundWireSize(ArrivingMessages.OF_STRANGERS + 1);
        assertThat(known.begins(new Call(), true)).isTrue();
    }

    @Test
    void whatWasTooMuchBeforeTheCallBeganIsRefusedWhenItDoes() {
        Arrival early = arrival();
        early.inboundWireSize(MOST + 1);
        assertThat(arriving.bytes()).isZero();
        assertThat(early.begins(new Call(), true)).isFalse();
        assertThat(closed).containsExactly(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void whoPausesWithinAMessageIsGivenUp() {
        long now = System.nanoTime();
        Arrival stalled = begun(true);
        stalled.arrived(10, now);
        Arrival idle = begun(true);
        idle.arrived(10, now);
        idle.inboundMessageRead(0, 10, 10);
        arriving.giveUpStalled(now + ArrivingMessages.PATIENCE.toNanos());
        assertThat(closed).isEmpty();
        arriving.giveUpStalled(
                now + ArrivingMessages.PATIENCE.plus(Duration.ofSeconds(1)).toNanos());
        assertThat(closed).containsExactly(Status.Code.DEADLINE_EXCEEDED);
        assertThat(idle.isRefused()).as("a stream may wait between messages").isFalse();
    }
}
