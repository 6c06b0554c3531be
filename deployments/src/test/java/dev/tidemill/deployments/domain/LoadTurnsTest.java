package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.LoadTurn;
import dev.tidemill.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LoadTurnsTest {
    private static final int LOADS = 6;

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private final LoadTurns turns = new LoadTurns(2, Duration.ofHours(1), clock);
    private final CountDownLatch made = new CountDownLatch(1);
    private final CountDownLatch loaded = new CountDownLatch(1);
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger loading = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        made.countDown();
        loaded.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        clock.shutdownNow();
    }

    private void load() {
        try {
            LoadTurn.leave();
            waiting.incrementAndGet();
            made.await();
            LoadTurn.resume();
            loading.incrementAndGet();
            loaded.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void begin(Runnable load) {
        threads.add(Thread.ofVirtual().start(() -> {
            try {
                turns.run(load);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }));
    }

    @Test
    void whatGoesOnAfterAWaitWaitsForItsTurnAgain() {
        for (int i = 0; i < LOADS; i++) {
            begin(this::load);
        }
        Await.until("all wait without a turn", () -> waiting.get() == LOADS);
        made.countDown();
        Await.until("two have their turn again", () -> loading.get() == 2);
        Await.until(
                "the others wait for theirs",
                () -> threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
        assertThat(loading).hasValue(2);
        loaded.countDown();
        Await.until("all have gone on", () -> loading.get() == LOADS);
    }

    @Test
    void aTurnThatWasGivenBackAndTakenAgainIsReleasedOnce() {
        made.countDown();
        loaded.countDown();
        for (int i = 0; i < LOADS; i++) {
            begin(this::load);
        }
        Await.until("all are through", () -> threads.stream().noneMatch(Thread::isAlive));
        var held = new CountDownLatch(1);
        var begun = new AtomicInteger();
        for (int i = 0; i < LOADS; i++) {
            begin(() -> {
                begun.incrementAndGet();
                try {
                    held.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        Await.until(
                "those who have no turn wait",
                () -> threads.stream().skip(LOADS).allMatch(thread -> thread.getState() == Thread.State.WAITING));
        assertThat(begun).hasValue(2);
        held.countDown();
    }
}
