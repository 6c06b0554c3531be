package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CancellationTest {
    private final AtomicBoolean gone = new AtomicBoolean();
    private final AtomicInteger told = new AtomicInteger();

    @Test
    void aCallerWhoLeavesIsNoticedOnce() {
        try (var cancellation = Cancellation.of(gone::get, Optional.empty())) {
            cancellation.onCancel(told::incrementAndGet);
            assertThat(cancellation.isCancelled()).isFalse();
            gone.set(true);
            Await.until("it is told", () -> told.get() == 1);
            assertThatThrownBy(cancellation::check)
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.CANCELLED));
            cancellation.onCancel(told::incrementAndGet);
            assertThat(told).hasValue(2);
        }
    }

    @Test
    void aTimeOutEndsIt() {
        try (var cancellation = Cancellation.of(gone::get, Optional.of(Duration.ofMillis(20)))) {
            cancellation.onCancel(told::incrementAndGet);
            Await.until("it is told", () -> told.get() == 1);
            assertThatThrownBy(cancellation::check)
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.TIMEOUT))
                    .hasMessageContaining("20 ms");
        }
    }

    @Test
    void aNoticeThatWasClosedIsNotTold() {
        try (var cancellation = Cancellation.of(gone::get, Optional.empty())) {
            cancellation.onCancel(told::incrementAndGet).close();
            gone.set(true);
            assertThat(cancellation.isCancelled()).isTrue();
            assertThat(told).hasValue(0);
        }
    }

    @Test
    void nobodyIsAskedAfterTheEnd() {
        var cancellation = Cancellation.of(
                () -> {
                    throw new AssertionError("the answer is on its way");
                },
                Optional.empty());
        cancellation.close();
        assertThat(cancellation.isCancelled()).isFalse();
    }

    @Test
    void aCallForSeveralEndsWithTheLast() {
        var stays = new AtomicBoolean();
        try (var first = Cancellation.of(gone::get, Optional.empty());
                var second = Cancellation.of(stays::get, Optional.empty());
                var both = Cancellation.all(List.of(first, second))) {
            both.onCancel(told::incrementAndGet);
            gone.set(true);
            assertThat(both.isCancelled()).isFalse();
            stays.set(true);
            Await.until("it is told", () -> told.get() == 1);
        }
    }
}
