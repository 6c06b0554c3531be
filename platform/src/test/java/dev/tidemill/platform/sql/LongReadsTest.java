package dev.tidemill.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Four connections: three long reads at a time, two of one caller. */
class LongReadsTest {
    private final BytesInFlight budget = new BytesInFlight(1 << 20);
    private final LongReads reads = new LongReads(4, Duration.ofSeconds(30));
    private final List<String> begun = new CopyOnWriteArrayList<>();
    private final Map<String, Semaphore> ends = new ConcurrentHashMap<>();
    private final List<Thread> threads = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        ends.values().forEach(end -> end.release(100));
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** A read that goes on until {@link #finish} lets one of its caller's end. */
    private void read(String caller) throws InterruptedException {
        Semaphore end = end(caller);
        int asked = reads.waiting() + begun.size();
        threads.add(Thread.ofVirtual()
                .start(() -> of(caller, () -> {
                    begun.add(caller);
                    end.acquireUninterruptibly();
                })));
        until(() -> reads.waiting() + begun.size() == asked + 1);
    }

    private void of(String caller, Runnable read) {
        try (var request = budget.open(caller)) {
            RequestMemory.of(
                    request,
                    () -> reads.inTurn(() -> {
                        read.run();
                        return true;
                    }));
        }
    }

    private void finish(String caller) {
        end(caller).release();
    }

    private Semaphore end(String caller) {
        return ends.computeIfAbsent(caller, name -> new Semaphore(0));
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            Thread.sleep(2);
        }
    }

    @Test
    void oneCallerHoldsHalfOfTheConnectionsAndLeavesAPlace() throws Exception {
        for (int i = 0; i < 5; i++) {
            read("ada");
        }
        assertThat(begun).containsExactly("ada", "ada");
        read("ben");
        assertThat(begun).containsExactly("ada", "ada", "ben");
        read("eve");
        assertThat(begun).as("one connection is left to short reads").hasSize(3);
    }

    @Test
    void aPlaceGoesToWhoHoldsTheFewestAndWaitsLongestOfThose() throws Exception {
        for (int i = 0; i < 4; i++) {
            read("ada");
        }
        read("ben");
        read("ben");
        read("eve");
        read("joe");
        assertThat(begun).containsExactly("ada", "ada", "ben");
        finish("ada");
        until(() -> begun.size() == 4);
        assertThat(begun.getLast()).as("holds none, and came before joe").isEqualTo("eve");
        finish("ada");
        until(() -> begun.size() == 5);
        assertThat(begun.getLast()).as("holds none now, and came before joe").isEqualTo("ada");
        finish("eve");
        until(() -> begun.size() == 6);
        assertThat(begun.getLast()).as("ben came before, and holds one").isEqualTo("joe");
    }

    /** What belongs to no request is the server's own work, one party among the callers. */
    @Test
    void workOfTheServerIsOneOfTheCallers() throws Exception {
        for (int i = 0; i < 3; i++) {
            threads.add(Thread.ofVirtual()
                    .start(() -> reads.inTurn(() -> {
                        begun.add("");
                        end("").acquireUninterruptibly();
                        return true;
                    })));
        }
        until(() -> begun.size() == 2 && reads.waiting() == 1);
        read("ada");
        assertThat(begun).containsExactly("", "", "ada");
    }

    @Test
    void whoWaitsTooLongIsRefusedAndLeavesNothingBehind() throws Exception {
        var impatient = new LongReads(2, Duration.ofMillis(50));
        var end = new Semaphore(0);
        threads.add(Thread.ofVirtual()
                .start(() -> impatient.inTurn(() -> {
                    begun.add("");
                    end.acquireUninterruptibly();
                    return true;
                })));
        until(() -> begun.size() == 1);
        assertThatThrownBy(() -> impatient.inTurn(() -> "never"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        assertThat(impatient.waiting()).isZero();
        end.release();
        threads.removeLast().join();
        assertThat(impatient.<String>inTurn(() -> "now")).isEqualTo("now");
    }

    @Test
    void whoIsInterruptedWhileItWaitsLeavesNothingBehind() throws Exception {
        read("ada");
        read("ada");
        read("ada");
        threads.getLast().interrupt();
        until(() -> reads.waiting() == 0);
        finish("ada");
        read("ada");
        assertThat(begun).containsExactly("ada", "ada", "ada");
    }
}
