package dev.tidemill.platform.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchedReceiverTest {
    @Test
    void aReceiverThatTakesNothingIsLetGo() {
        var never = new CountDownLatch(1);
        var stuck = new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                try {
                    never.await();
                } catch (InterruptedException e) {
                    throw new InterruptedIOException("interrupted");
                }
            }
        };
        try (var receiver = new WatchedReceiver(stuck, Duration.ofMillis(200), 1)) {
            assertThatThrownBy(() -> receiver.write(new byte[100])).isInstanceOf(InterruptedIOException.class);
            assertThatThrownBy(() -> receiver.write(new byte[100]))
                    .isInstanceOf(InterruptedIOException.class)
                    .hasMessageContaining("1 bytes a second");
        }
        assertThat(Thread.interrupted())
                .as("what comes next is not interrupted")
                .isFalse();
    }

    @Test
    void timeInWhichNobodyWaitsForTheReceiverDoesNotCount() throws Exception {
        var out = new ByteArrayOutputStream();
        try (var receiver = new WatchedReceiver(out, Duration.ofMillis(50), 1_000_000)) {
            for (int i = 0; i < 5; i++) {
                receiver.write(new byte[10]);
                Thread.sleep(100);
            }
            receiver.write(1);
        }
        assertThat(out.size()).isEqualTo(51);
    }
}
