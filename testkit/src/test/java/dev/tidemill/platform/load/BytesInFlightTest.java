package dev.tidemill.platform.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class BytesInFlightTest {
    private static final long MEGABYTE = 1 << 20;

    private final BytesInFlight budget = new BytesInFlight(80 * MEGABYTE, Duration.ofMillis(200));

    private static ErrorCode refusal(Runnable taking) {
        try {
            taking.run();
        } catch (TidemillException e) {
            return e.code();
        }
        throw new AssertionError("nothing was refused");
    }

    @Test
    void aLoneRequestMayTakeAllThatIsForLargeOnes() {
        try (var one = budget.open("a")) {
            one.take(70 * MEGABYTE);
            assertThat(budget.taken()).isEqualTo(70 * MEGABYTE);
            assertThat(refusal(() -> one.take(MEGABYTE))).isEqualTo(ErrorCode.TOO_LARGE);
        }
        assertThat(budget.taken()).isZero();
    }

    @Test
    void oneCallerLeavesHalfToOthers() {
        try (var first = budget.open("a");
                var second = budget.open("a");
                var other = budget.open("b")) {
            first.take(30 * MEGABYTE);
            second.take(9 * MEGABYTE);
            assertThat(second.tryTake(2 * MEGABYTE)).isFalse();
            assertThat(other.tryTake(30 * MEGABYTE)).isTrue();
        }
    }

    @Test
    void smallOnesPassBesideLargeOnes() {
        try (var large = budget.open("a");
                var small = budget.open("a");
                var another = budget.open("b")) {
            large.take(70 * MEGABYTE);
            assertThat(another.tryTake(MEGABYTE)).isFalse();
            small.take(BytesInFlight.SMALL);
            assertThat(refusal(() -> another.take(MEGABYTE))).isEqualTo(ErrorCode.UNAVAILABLE);
        }
    }

    /** Many small ones are as much as a few large ones. */
    @Test
    void oneCallerLeavesHalfToOthersHoweverSmallItsRequestsAre() {
        var open = new ArrayList<BytesInFlight.Reservation>();
        for (int i = 0; i < 320; i++) {
            var small = budget.open("a");
            open.add(small);
            small.tryTake(BytesInFlight.SMALL);
        }
        assertThat(budget.taken()).isEqualTo(40 * MEGABYTE);
        try (var other = budget.open("b")) {
            other.take(20 * MEGABYTE);
            open.getFirst().close();
            assertThat(open.getLast().tryTake(BytesInFlight.SMALL)).isTrue();
        }
        open.forEach(BytesInFlight.Reservation::close);
        assertThat(budget.taken()).isZero();
    }

    @Test
    void whoWaitsGoesOnOnceOthersGiveBack() throws InterruptedException {
        var first = budget.open("a");
        first.take(60 * MEGABYTE);
        var second = budget.open("b");
        Thread waiting = Thread.ofVirtual().start(() -> second.take(20 * MEGABYTE));
        Await.until("it waits", () -> waiting.getState() == Thread.State.TIMED_WAITING);
        first.close();
        waiting.join();
        assertThat(budget.taken()).isEqualTo(20 * MEGABYTE);
        second.close();
        second.close();
        assertThat(budget.taken()).isZero();
    }

    /** Takes 32 MB in steps. Who is refused gives back what it holds a little later, as on a slow machine. */
    private static boolean hasAll(BytesInFlight.Reservation request, CyclicBarrier together)
            throws InterruptedException, BrokenBarrierException {
        request.take(MEGABYTE);
        together.await();
        try {
            for (int step = 0; step < 31; step++) {
                request.take(MEGABYTE);
                Thread.yield();
            }
            return true;
        } catch (TidemillException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE);
            Thread.sleep(300);
            return false;
        }
    }

    /** Each takes 32 MB in steps, beside the others: so all hold a part and none has the rest, until others give up. */
    private int answeredOf(List<String> callers) throws InterruptedException {
        var together = new CyclicBarrier(callers.size());
        var answered = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        for (String caller : callers) {
            threads.add(Thread.ofVirtual().start(() -> {
                try (var request = budget.open(caller)) {
                    if (hasAll(request, together)) {
                        answered.incrementAndGet();
                    }
                } catch (InterruptedException | BrokenBarrierException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(budget.taken()).isZero();
        return answered.get();
    }

    @Test
    void ofRequestsThatWaitForEachOtherOneIsAnswered() throws InterruptedException {
        for (int round = 0; round < 2; round++) {
            assertThat(answeredOf(Collections.nCopies(8, "a"))).isPositive();
            assertThat(answeredOf(List.of("a", "a", "a", "b", "b", "b", "c", "c", "c")))
                    .isPositive();
        }
    }

    /** However many younger ones take little by little, and try again as soon as they are refused. */
    @Test
    void whatIsGivenBackIsKeptForTheOldest() throws InterruptedException {
        var budget = new BytesInFlight(80 * MEGABYTE, Duration.ofSeconds(2));
        var stop = new AtomicBoolean();
        var threads = new ArrayList<Thread>();
        try (var oldest = budget.open("oldest")) {
            oldest.take(MEGABYTE);
            for (int i = 0; i < 16; i++) {
                String caller = "caller-" + i;
                threads.add(Thread.ofVirtual().start(() -> {
                    while (!stop.get()) {
                        takeLittleByLittle(budget, caller, 16);
                    }
                }));
            }
            Await.until("the budget is spent", () -> budget.taken() > 60 * MEGABYTE);
            oldest.take(40 * MEGABYTE);
        } finally {
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(budget.taken()).isZero();
    }

    private static void takeLittleByLittle(BytesInFlight budget, String caller, int megabytes) {
        try (var request = budget.open(caller)) {
            for (int step = 0; step < megabytes; step++) {
                request.take(MEGABYTE);
                Thread.sleep(2);
            }
        } catch (TidemillException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whoever waits for its own caller is older here than the one for whom what is given back has to be kept. */
    @Test
    void aCallerAtItsShareTakesThatFromNobody() throws InterruptedException {
        var budget = new BytesInFlight(80 * MEGABYTE, Duration.ofSeconds(2));
        var stop = new AtomicBoolean();
        var threads = new ArrayList<Thread>();
        try (var full = budget.open("full");
                var more = budget.open("full");
                var oldest = budget.open("oldest")) {
            full.take(40 * MEGABYTE);
            threads.add(Thread.ofVirtual().start(() -> {
                while (!stop.get()) {
                    assertThat(refusal(() -> more.take(10 * MEGABYTE)))
                            .isIn(ErrorCode.UNAVAILABLE, ErrorCode.CANCELLED);
                }
            }));
            oldest.take(MEGABYTE);
            for (int i = 0; i < 8; i++) {
                String caller = "caller-" + i;
                threads.add(Thread.ofVirtual().start(() -> {
                    while (!stop.get()) {
                        takeLittleByLittle(budget, caller, 8);
                    }
                }));
            }
            Await.until("the budget is spent", () -> budget.taken() > 60 * MEGABYTE);
            oldest.take(25 * MEGABYTE);
            stop.set(true);
        } finally {
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(budget.taken()).isZero();
    }

    @Test
    void anOldestThatWaitsForItsOwnCallerStopsNoOtherCaller() throws InterruptedException {
        var budget = new BytesInFlight(80 * MEGABYTE, Duration.ofSeconds(2));
        var first = budget.open("a");
        first.take(35 * MEGABYTE);
        var second = budget.open("a");
        Thread waiting = Thread.ofVirtual().start(() -> second.take(20 * MEGABYTE));
        Await.until("it waits", () -> waiting.getState() == Thread.State.TIMED_WAITING);
        try (var other = budget.open("b")) {
            other.take(30 * MEGABYTE);
        }
        first.close();
        waiting.join();
        assertThat(second.held()).isEqualTo(20 * MEGABYTE);
        second.close();
    }

    @Test
    void whoHasEndedTakesNothingMore() {
        var over = budget.open("a");
        over.close();
        assertThat(refusal(() -> over.take(MEGABYTE))).isEqualTo(ErrorCode.CANCELLED);
        assertThat(over.tryTake(MEGABYTE)).isFalse();
        assertThat(budget.taken()).isZero();
    }

    @Test
    void whoEndsWhileItWaitsTakesNothing() throws InterruptedException {
        var first = budget.open("a");
        first.take(60 * MEGABYTE);
        var second = budget.open("b");
        var refused = new AtomicReference<ErrorCode>();
        Thread waiting = Thread.ofVirtual().start(() -> refused.set(refusal(() -> second.take(20 * MEGABYTE))));
        Await.until("it waits", () -> waiting.getState() == Thread.State.TIMED_WAITING);
        second.close();
        waiting.join();
        assertThat(refused).hasValue(ErrorCode.CANCELLED);
        first.close();
        assertThat(budget.taken()).isZero();
    }

    @Test
    void itCountsToWhomItIsTold() {
        try (var one = budget.open("address");
                var two = budget.open("address")) {
            one.take(39 * MEGABYTE);
            assertThat(two.tryTake(20 * MEGABYTE)).isFalse();
            one.countTo("user");
            assertThat(two.tryTake(20 * MEGABYTE)).isTrue();
        }
        assertThat(budget.taken()).isZero();
    }

    @Test
    void whateverHappensNothingStaysTakenAndNeverMoreThanThereIs() {
        var random = new Random(7);
        List<BytesInFlight.Reservation> open = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            switch (random.nextInt(4)) {
                case 0 -> open.add(budget.open("caller-" + random.nextInt(3)));
                case 1, 2 -> {
                    if (!open.isEmpty()) {
                        open.get(random.nextInt(open.size())).tryTake(random.nextLong(20 * MEGABYTE));
                    }
                }
                default -> {
                    if (!open.isEmpty()) {
                        open.remove(random.nextInt(open.size())).close();
                    }
                }
            }
            assertThat(budget.taken()).isBetween(0L, budget.most());
        }
        open.forEach(BytesInFlight.Reservation::close);
        assertThat(budget.taken()).isZero();
        assertThatThrownBy(() -> budget.open("a").take(81 * MEGABYTE)).hasMessageContaining("81 MB");
    }
}
