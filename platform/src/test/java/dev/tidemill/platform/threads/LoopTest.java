package dev.tidemill.platform.threads;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoopTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Test
    void roundsGoOnWhateverOneOfThemFailsOf() throws Exception {
        var rounds = new AtomicInteger();
        var fourth = new CountDownLatch(1);
        try (var thread = new Loop("test", Duration.ofMillis(1), () -> {
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
        var thread = new Loop("test", Duration.ofHours(1), () -> {
                    begun.countDown();
                    Thread.sleep(Duration.ofHours(1));
                })
                .start();
        assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
        thread.close();
        assertThat(thread.join(PATIENCE)).isTrue();
    }

    @Test
    void whatPausesAfterAFailureIsFinishedAtOnce() throws Exception {
        var failed = new CountDownLatch(1);
        var loop = new Loop("test", Duration.ofHours(1), () -> {
                    failed.countDown();
                    throw new IllegalStateException("a test");
                })
                .start();
        assertThat(failed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(loop.finish(PATIENCE)).isTrue();
    }

    @Test
    void aLongPauseIsNotMadeLongerByAFailure() {
        assertThat(Loop.every("test", Duration.ofHours(1), () -> {}).pause(0)).isZero();
        assertThat(Loop.every("test", Duration.ofHours(1), () -> {}).pause(5)).isZero();
        assertThat(Loop.every("test", Duration.ofSeconds(2), () -> {}).pause(1)).isEqualTo(Duration.ofSeconds(4));
    }

    @Test
    void itsHealthTellsHowItIsDoing() throws Exception {
        var asked = new LinkedBlockingQueue<Boolean>();
        var answered = new LinkedBlockingQueue<Loop.Health>();
        var loops = new LinkedBlockingQueue<Loop>();
        try (var loop = new Loop("test", Duration.ofMillis(1), () -> {
            Loop self = loops.take();
            loops.add(self);
            answered.add(self.health());
            if (!asked.take()) {
                throw new IllegalStateException("the database is away");
            }
        })) {
            loops.add(loop);
            loop.start();
            assertThat(answered.poll(20, TimeUnit.SECONDS))
                    .isEqualTo(new Loop.Health("test", 0, 0, Optional.empty(), ""));
            asked.add(true);
            assertThat(answered.poll(20, TimeUnit.SECONDS))
                    .isEqualTo(new Loop.Health("test", 1, 0, Optional.empty(), ""));
            asked.add(false);
            Loop.Health once = answered.poll(20, TimeUnit.SECONDS);
            assertThat(once.failures()).isEqualTo(1);
            assertThat(once.failing()).isPresent();
            assertThat(once.reason()).contains("the database is away");
            asked.add(false);
            Loop.Health twice = answered.poll(20, TimeUnit.SECONDS);
            assertThat(twice).isEqualTo(new Loop.Health("test", 1, 2, once.failing(), once.reason()));
            asked.add(true);
            assertThat(answered.poll(20, TimeUnit.SECONDS))
                    .isEqualTo(new Loop.Health("test", 2, 2, Optional.empty(), ""));
        }
    }

    @Test
    void pausesDoubleUpToTenSecondsOrTheFirstOne() {
        try (var quick = new Loop("test", Duration.ofSeconds(1), () -> {});
                var slow = new Loop("test", Duration.ofMinutes(5), () -> {});
                var none = new Loop("test", Duration.ZERO, () -> {})) {
            assertThat(List.of(0, 1, 2, 3, 4, 1_000).stream().map(quick::pause))
                    .containsExactly(
                            Duration.ofSeconds(1),
                            Duration.ofSeconds(2),
                            Duration.ofSeconds(4),
                            Duration.ofSeconds(8),
                            Duration.ofSeconds(10),
                            Duration.ofSeconds(10));
            assertThat(List.of(0, 1, 1_000).stream().map(slow::pause)).containsOnly(Duration.ofMinutes(5));
            assertThat(List.of(0, 1, 1_000).stream().map(none::pause)).containsOnly(Duration.ZERO);
        }
    }

    @Test
    void whatIsInterruptedThoughItIsNotClosedGoesOn() throws Exception {
        var rounds = new AtomicInteger();
        var second = new CountDownLatch(1);
        try (var thread = new Loop("test", Duration.ofMillis(1), () -> {
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
