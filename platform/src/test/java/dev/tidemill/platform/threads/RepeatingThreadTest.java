package dev.tidemill.platform.threads;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RepeatingThreadTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Test
    void roundsGoOnWhateverOneOfThemFailsOf() throws Exception {
        var rounds = new AtomicInteger();
        var fourth = new CountDownLatch(1);
        try (var thread = new RepeatingThread("test", Duration.ofMillis(1), () -> {
                    switch (rounds.incrementAndGet()) {
                        case 1 -> throw new OutOfMemoryError("a test");
                        case 2 -> throw new StackOverflowError("a test");
                        case 3 -> throw new IllegalStateException("a test");
                        case 4 -> fourth.countDown();
                        default -> Thread.sleep(10);
                    }
                })
                .start()) {
            assertThat(fourth.await(20, TimeUnit.SECONDS)).isTrue();
            thread.close();
            assertThat(thread.join(PATIENCE)).isTrue();
        }
    }

    @Test
    void whatWaitsIsEndedByClosing() throws Exception {
        var begun = new CountDownLatch(1);
        var thread = new RepeatingThread("test", Duration.ofHours(1), () -> {
                    begun.countDown();
                    Thread.sleep(Duration.ofHours(1));
                })
                .start();
        assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
        thread.close();
        assertThat(thread.join(PATIENCE)).isTrue();
    }

    @Test
    void whatIsInterruptedThoughItIsNotClosedGoesOn() throws Exception {
        var rounds = new AtomicInteger();
        var second = new CountDownLatch(1);
        try (var thread = new RepeatingThread("test", Duration.ofMillis(1), () -> {
                    if (rounds.incrementAndGet() == 1) {
                        throw new InterruptedException();
                    }
                    second.countDown();
                    Thread.sleep(10);
                })
                .start()) {
            assertThat(second.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(thread.join(Duration.ZERO)).isFalse();
        }
    }
}
