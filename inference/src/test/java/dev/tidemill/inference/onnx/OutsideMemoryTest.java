package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs share what they take beside ONNX Runtime's allocator: who finds it taken waits, in the order of coming. */
@Timeout(120)
class OutsideMemoryTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    @Test
    void whatIsGivenBackIsTakenAgain() {
        var memory = new OutsideMemory(100, LONG);
        OutsideMemory.Taken first = memory.take(60, Cancellation.NEVER);
        OutsideMemory.Taken second = memory.take(40, Cancellation.NEVER);
        assertThat(memory.free()).isZero();
        first.close();
        first.close();
        assertThat(memory.free()).isEqualTo(60);
        second.close();
        assertThat(memory.free()).isEqualTo(100);
        try (OutsideMemory.Taken all = memory.take(1_000, Cancellation.NEVER)) {
            assertThat(all).isNotNull();
            assertThat(memory.free()).isZero();
        }
    }

    @Test
    void whoFindsNothingInTimeIsRefused() {
        var memory = new OutsideMemory(100, Duration.ofMillis(200));
        try (OutsideMemory.Taken most = memory.take(60, Cancellation.NEVER)) {
            assertThat(most).isNotNull();
            assertThatThrownBy(() -> memory.take(41, Cancellation.NEVER))
                    .isInstanceOfSatisfying(
                            TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("may take 41 bytes beside its tensors")
                    .hasMessageContaining("there are 40 left");
            // Who was refused keeps nobody waiting.
            memory.take(40, Cancellation.NEVER).close();
        }
    }

    @Test
    void whoseCallerHasGoneWaitsNoMore() {
        var memory = new OutsideMemory(100, LONG);
        try (OutsideMemory.Taken all = memory.take(100, Cancellation.NEVER)) {
            assertThat(all).isNotNull();
            assertThatThrownBy(() -> memory.take(1, Cancellation.after(Duration.ofMillis(200))))
                    .isInstanceOfSatisfying(
                            TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT));
        }
    }

    /** Small ones that come later do not keep a large one waiting. */
    @Test
    void whoCameFirstIsFirst() throws InterruptedException {
        var memory = new OutsideMemory(100, LONG);
        var order = new ConcurrentLinkedQueue<String>();
        OutsideMemory.Taken held = memory.take(50, Cancellation.NEVER);
        Thread large = Thread.ofVirtual().start(() -> took(memory, 80, order, "large"));
        Await.until("the large one to wait", () -> memory.waiting() >= 1);
        Thread small = Thread.ofVirtual().start(() -> took(memory, 30, order, "small"));
        Await.until("the small one to wait", () -> memory.waiting() >= 2);
        assertThat(memory.free()).isEqualTo(50);
        held.close();
        large.join();
        small.join();
        assertThat(order).containsExactly("large", "small");
        assertThat(memory.free()).isEqualTo(100);
    }

    private static void took(OutsideMemory memory, long bytes, ConcurrentLinkedQueue<String> order, String name) {
        try (OutsideMemory.Taken taken = memory.take(bytes, Cancellation.NEVER)) {
            assertThat(taken).isNotNull();
            order.add(name);
        }
    }

    @Test
    void runsWaitForEachOtherAndGiveBackWhatTheyTook() {
        OnnxBytes graph = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "n")
                .node(
                        "ml:LabelEncoder",
                        List.of("x"),
                        List.of("y"),
                        Map.of("keys_int64s", new long[] {0}, "values_strings", List.of("a".repeat(100))))
                .output("y", OnnxBytes.STRING, "n");
        List<Tensor> given = List.of(Tensor.wholes("x", Datatype.INT64, new long[] {2}, new long[] {0, 0}));
        try (LoadedModel model = new OnnxFolders(directory).open(graph)) {
            long all = OutsideMemory.SHARED.free();
            try (OutsideMemory.Taken taken = OutsideMemory.SHARED.take(all, Cancellation.NEVER)) {
                assertThat(taken).isNotNull();
                var context = new CallContext(Map.of(), Cancellation.after(Duration.ofMillis(300)));
                assertThatThrownBy(() -> model.predict(given, context))
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT));
            }
            assertThat(model.predict(given).getFirst().text(1)).hasSize(100);
            assertThat(OutsideMemory.SHARED.free()).isEqualTo(all);
        }
    }
}
