package dev.tidemill.platform.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StoredNumberTest {
    @Test
    void nobodyWaitsForAStoreThatIsAwayAndOneThreadAloneAsksIt() throws InterruptedException {
        var back = new CountDownLatch(1);
        var asked = new AtomicInteger();
        var number = new StoredNumber(() -> {
            asked.incrementAndGet();
            try {
                back.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return 7;
        });
        assertThat(number.get().doubleValue()).isNaN();
        assertThat(number.get().doubleValue()).isNaN();
        assertThat(asked).hasValue(1);
        back.countDown();
        assertThat(number.get()).isEqualTo(7);
    }

    @Test
    void whatFailsIsNoNumber() {
        var number = new StoredNumber(() -> {
            throw new IllegalStateException("away");
        });
        assertThat(number.get().doubleValue()).isNaN();
    }
}
