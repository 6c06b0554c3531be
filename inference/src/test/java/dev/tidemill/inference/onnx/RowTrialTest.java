package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What trying a graph may cost: values of its inputs, and time, which the test tells. */
class RowTrialTest {
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicLong nanos = new AtomicLong();

    private UnaryOperator<List<Tensor>> taking(long callNanos) {
        return given -> {
            calls.incrementAndGet();
            nanos.addAndGet(callNanos);
            return given;
        };
    }

    private RowTrial.Verdict tried(long callNanos, long... shape) {
        var spec = new TensorSpec(
                "x", Datatype.FP32, java.util.Arrays.stream(shape).boxed().toList(), false);
        return RowTrial.of(taking(callNanos), List.of(spec), nanos::get);
    }

    @Test
    void aGraphThatAnswersEveryRowByItselfIsJoined() {
        assertThat(tried(1_000, -1, 4)).isEqualTo(new RowTrial.Verdict(1, 256, ""));
    }

    @Test
    void rowsThatAreTooLargeToTryAreNeverMade() {
        for (long[] shape : new long[][] {
            {-1, 3, 2_048, 2_048}, {-1, 62_501}, {-1, Long.MAX_VALUE / 2}, {-1, 1L << 32, 1L << 32}, {-1, 1L << 62, 8}
        }) {
            RowTrial.Verdict verdict = tried(1_000, shape);
            assertThat(verdict.least()).isZero();
            assertThat(verdict.reason()).contains("values");
        }
        assertThat(calls).hasValue(0);
        assertThat(tried(1_000, -1, 62_500).least()).isOne();
    }

    @Test
    void allTrialsOfASlowGraphTogetherTakeASecond() {
        for (long millis : new long[] {15, 30, 60, 100, 249}) {
            nanos.set(0);
            RowTrial.Verdict verdict = tried(TimeUnit.MILLISECONDS.toNanos(millis), -1, 4);
            // The first call and the last are never cut off.
            assertThat(nanos.get())
                    .as("%d ms a call", millis)
                    .isLessThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(1_000 + 2 * millis));
            if (verdict.least() == 0) {
                assertThat(verdict.reason()).contains("takes so long");
            } else {
                assertThat(verdict.most()).isBetween(3, 16);
            }
        }
        // What was tried before the time was over is joined: here one row, three and four, and not yet five.
        nanos.set(0);
        assertThat(tried(TimeUnit.MILLISECONDS.toNanos(34), -1, 4)).isEqualTo(new RowTrial.Verdict(1, 4, ""));
        nanos.set(0);
        assertThat(tried(TimeUnit.MILLISECONDS.toNanos(200), -1, 4).least()).isZero();
    }
}
