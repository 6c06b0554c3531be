package dev.tidemill.platform.children;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FairTurnsTest {
    private final CountDownLatch slow = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        slow.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void slow(FairTurns turns, String project, String actor, int most) {
        threads.add(Thread.ofVirtual()
                .start(() -> turns.run(project, actor, most, () -> {
                    try {
                        return slow.await(1, java.util.concurrent.TimeUnit.MINUTES);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                })));
    }

    private static void until(java.util.function.BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    void slowWorkOfOneDelaysNobodyElse() throws Exception {
        var turns = new FairTurns(3, 8, Duration.ofSeconds(20));
        for (int i = 0; i < 4; i++) {
            slow(turns, "a", "viewer", 3);
        }
        until(() -> turns.held() == 2 && turns.waiting() == 2);
        assertThat(turns.<String>run("b", "other", 1, () -> "at once")).isEqualTo("at once");
        assertThat(turns.held()).isEqualTo(2);
    }

    @Test
    void aCallerHoldsNoMoreThanItsRoleAllows() throws Exception {
        var turns = new FairTurns(4, 8, Duration.ofSeconds(20));
        for (int i = 0; i < 3; i++) {
            slow(turns, "a", "viewer", 1);
        }
        until(() -> turns.held() == 1 && turns.waiting() == 2);
        assertThat(turns.<String>run("a", "other", 1, () -> "same project")).isEqualTo("same project");
    }

    @Test
    void linesAreServedInRotation() throws Exception {
        var turns = new FairTurns(2, 8, Duration.ofSeconds(20));
        var served = new CopyOnWriteArrayList<String>();
        slow(turns, "z", "holder", 1);
        until(() -> turns.held() == 1);
        var first = new CountDownLatch(1);
        threads.add(Thread.ofVirtual()
                .start(() -> turns.run("a", "many", 1, () -> {
                    try {
                        return first.await(1, java.util.concurrent.TimeUnit.MINUTES);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                })));
        until(() -> turns.held() == 2);
        for (int i = 0; i < 3; i++) {
            int number = i;
            int before = turns.waiting();
            threads.add(Thread.ofVirtual().start(() -> turns.run("a", "many", 1, () -> served.add("many" + number))));
            until(() -> turns.waiting() == before + 1);
        }
        threads.add(Thread.ofVirtual().start(() -> turns.run("b", "one", 1, () -> served.add("one"))));
        until(() -> turns.waiting() == 4);
        first.countDown();
        until(() -> served.size() == 4);
        assertThat(served.indexOf("one")).as("of " + served).isLessThanOrEqualTo(1);
    }

    @Test
    void whoeverStandsBehindOneThatLeavesHasTheTurnThatThatOneCouldNotHave() throws Exception {
        var turns = new FairTurns(4, 8, Duration.ofMinutes(5));
        slow(turns, "a", "x", 1);
        until(() -> turns.held() == 1);
        // It may hold one turn and holds it; with more rights it is asked for behind.
        slow(turns, "a", "x", 1);
        until(() -> turns.waiting() == 1);
        Thread leaving = threads.getLast();
        var through = new CountDownLatch(1);
        threads.add(Thread.ofVirtual()
                .start(() -> turns.run("a", "x", 3, () -> {
                    through.countDown();
                    return true;
                })));
        until(() -> turns.waiting() == 2);
        leaving.interrupt();
        assertThat(through.await(20, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        assertThat(turns.held()).isLessThanOrEqualTo(2);
    }

    @Test
    void aRefusedCallerLeavesNothingBehind() {
        var turns = new FairTurns(2, 0, Duration.ofMillis(100));
        assertThatThrownBy(() -> turns.run("a", "x", 1, () -> "never")).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> turns.run("b", "y", 1, () -> "never"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
    }

    @Test
    void whoWaitsTooLongOrAsksTooOftenIsRefused() throws Exception {
        var turns = new FairTurns(2, 1, Duration.ofMillis(100));
        slow(turns, "a", "x", 1);
        until(() -> turns.held() == 1);
        assertThatThrownBy(() -> turns.run("a", "x", 1, () -> "never"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        assertThat(turns.waiting()).isZero();
        assertThat(turns.<String>run("a", "y", 1, () -> "goes on")).isEqualTo("goes on");
    }
}
