package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.testkit.Await;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class PayloadLogTest {
    /** Keeps what it gets, once it is let. */
    private static final class Held implements PayloadSink {
        private final List<String> got = Collections.synchronizedList(new ArrayList<>());
        private final CountDownLatch gate = new CountDownLatch(1);
        private volatile boolean closed;

        @Override
        public String name() {
            return "held";
        }

        @Override
        public int deliver(List<Payload> payloads) {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            payloads.forEach(payload -> got.add(payload.request().id()));
            return payloads.size();
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    void whatWaitsLongestIsDroppedAndCounted() {
        var sink = new Held();
        try (var log = new PayloadLog(List.of(sink), 1)) {
            for (int i = 0; i < 25_000; i++) {
                log.add(Payloads.of("p" + i));
            }
            sink.gate.countDown();
            Await.until(
                    "everything is delivered or dropped",
                    () -> figures(log).delivered() + figures(log).dropped() == 25_000);
            assertThat(figures(log).dropped()).isBetween(14_000L, 15_000L);
            assertThat(sink.got).contains("p24999").hasSize((int) figures(log).delivered());
            assertThat(sink.got).doesNotContain("p5000");
        }
        assertThat(sink.closed).isTrue();
    }

    @Test
    void closingDeliversWhatWaits() {
        var sink = new Held();
        sink.gate.countDown();
        var log = new PayloadLog(List.of(sink), 1);
        for (int i = 0; i < 2_000; i++) {
            log.add(Payloads.of("p" + i));
        }
        log.close();
        assertThat(sink.got).hasSize(2_000);
    }

    @Test
    void aShareIsSampled() {
        var sink = new Held();
        sink.gate.countDown();
        try (var log = new PayloadLog(List.of(sink), 0.25)) {
            int sampled = 0;
            for (int i = 0; i < 10_000; i++) {
                sampled += log.samples() ? 1 : 0;
            }
            assertThat(sampled).isBetween(2_200, 2_800);
        }
        assertThat(PayloadLog.NONE.samples()).isFalse();
    }

    private static PayloadLog.Figures figures(PayloadLog log) {
        return log.figures().getFirst();
    }
}
