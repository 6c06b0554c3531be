package dev.tidemill.inference.steps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SideBySideTest {
    @Test
    void everyPartIsDoneOnce() throws InterruptedException {
        var sum = new AtomicInteger();
        SideBySide.each(20, 4, (part, call) -> sum.addAndGet(part));
        assertThat(sum).hasValue(190);
    }

    /** Native code hears of no interrupt: the model is closed as soon as this returns. */
    @Test
    void noCallIsUnderWayOnceOneHasFailed() {
        var inside = new CountDownLatch(1);
        var under = new AtomicBoolean();
        assertThatThrownBy(() -> SideBySide.each(2, 2, (part, call) -> {
                    if (part == 0) {
                        inside.await();
                        throw TidemillException.invalid("x", "not this one");
                    }
                    under.set(true);
                    inside.countDown();
                    while (!call.cancellation().isCancelled()) {
                        Thread.onSpinWait();
                    }
                    long until = System.nanoTime() + 200_000_000L;
                    while (System.nanoTime() < until) {
                        Thread.onSpinWait();
                    }
                    under.set(false);
                }))
                .isInstanceOf(TidemillException.class)
                .hasMessage("not this one");
        assertThat(under).isFalse();
    }
}
