package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run ends when nobody waits for it, leaves no memory behind, and gives each row what it gets alone. */
@Timeout(120)
class OnnxRunsTest {
    @TempDir
    Path directory;

    private OnnxFolders folders;

    @BeforeEach
    void start() {
        folders = new OnnxFolders(directory);
    }

    /** Doubles a value as often as it is told. */
    private LoadedModel steps() {
        return folders.open(new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n")
                .input("steps", OnnxBytes.INT64)
                .truth("go")
                .node("Loop", List.of("steps", "go", "x"), List.of("y"), Map.of("body", body()))
                .output("y", OnnxBytes.FLOAT, "n"));
    }

    private static OnnxBytes body() {
        return new OnnxBytes()
                .input("i", OnnxBytes.INT64)
                .input("on", OnnxBytes.BOOL)
                .input("s", OnnxBytes.FLOAT, "n")
                .node("Identity", List.of("on"), List.of("still"), Map.of())
                .node("Add", List.of("s", "s"), List.of("twice"), Map.of())
                .output("still", OnnxBytes.BOOL)
                .output("twice", OnnxBytes.FLOAT, "n");
    }

    private static List<Tensor> given(long steps) {
        return List.of(
                Tensor.numbers("x", Datatype.FP32, new long[] {1}, new double[] {1}),
                Tensor.wholes("steps", Datatype.INT64, new long[0], new long[] {steps}));
    }

    @Test
    void aRunEndsWhenItsTimeIsOver() {
        try (LoadedModel model = steps()) {
            assertThat(model.predict(given(3)).getFirst().number(0)).isEqualTo(8);
            var context = new CallContext(Map.of(), Cancellation.of(() -> false, Optional.of(Duration.ofMillis(300))));
            assertThatThrownBy(() -> model.predict(given(1L << 60), context))
                    .asInstanceOf(type(TidemillException.class))
                    .extracting(TidemillException::code)
                    .isEqualTo(ErrorCode.TIMEOUT);
            assertThat(model.predict(given(3)).getFirst().number(0)).isEqualTo(8);
        }
    }

    @Test
    void aRunEndsWhenItsCallerHasGone() {
        try (LoadedModel model = steps()) {
            var gone = new AtomicBoolean();
            var context = new CallContext(Map.of(), Cancellation.of(gone::get, Optional.empty()));
            Thread.ofVirtual().start(() -> gone.set(true));
            assertThatThrownBy(() -> model.predict(given(1L << 60), context))
                    .asInstanceOf(type(TidemillException.class))
                    .extracting(TidemillException::code)
                    .isEqualTo(ErrorCode.CANCELLED);
            assertThatThrownBy(() -> model.predict(given(3), context)).isInstanceOf(TidemillException.class);
            assertThat(model.predict(given(3)).getFirst().number(0)).isEqualTo(8);
        }
    }

    private OnnxBytes expanding(String output, boolean all) {
        var graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, 1)
                .input("size", OnnxBytes.INT64, 1)
                .node("Expand", List.of("x", "size"), List.of("many"), Map.of());
        if (all) {
            return graph.output("many", OnnxBytes.FLOAT, "n");
        }
        return graph.node("ReduceMax", List.of("many"), List.of(output), Map.of("keepdims", 0))
                .output(output, OnnxBytes.FLOAT);
    }

    private static List<Tensor> size(long size) {
        return List.of(
                Tensor.numbers("x", Datatype.FP32, new long[] {1}, new double[] {3}),
                Tensor.wholes("size", Datatype.INT64, new long[] {1}, new long[] {size}));
    }

    /** What is resident but the heap of Java, which grows as it likes. */
    private static long residentMegabytes() throws Exception {
        String heap = (String) ManagementFactory.getPlatformMBeanServer()
                .invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"),
                        "gcHeapInfo",
                        new Object[] {new String[0]},
                        new String[] {String[].class.getName()});
        long[] addresses = Pattern.compile("0x([0-9a-f]+)")
                .matcher(heap)
                .results()
                .mapToLong(match -> Long.parseUnsignedLong(match.group(1), 16))
                .filter(address -> address != 0)
                .sorted()
                .toArray();
        assertThat(addresses).as(heap).hasSizeGreaterThan(1);
        long kilobytes = 0;
        boolean counts = true;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            Matcher mapping = MAPPING.matcher(line);
            if (mapping.lookingAt()) {
                long start = Long.parseUnsignedLong(mapping.group(1), 16);
                counts = start < addresses[0] || start >= addresses[addresses.length - 1];
            } else if (counts && line.startsWith("Rss:")) {
                kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return kilobytes / 1024;
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void anIdleModelKeepsNoMemoryOfItsCalls() throws Exception {
        try (LoadedModel model = folders.open(expanding("y", false))) {
            assertThat(model.predict(size(10)).getFirst().number(0)).isEqualTo(3);
            long before = residentMegabytes();
            assertThat(model.predict(size(100_000_000)).getFirst().number(0)).isEqualTo(3);
            assertThat(residentMegabytes() - before).as("MB kept of 400").isLessThan(150);
        }
    }

    @Test
    void anAnswerThatIsTooLargeIsNotCopied() {
        try (LoadedModel model = folders.open(expanding("y", true))) {
            assertThat(model.predict(size(10)).getFirst().size()).isEqualTo(10);
            assertThatThrownBy(() -> model.predict(size(140_000_000)))
                    .asInstanceOf(type(TidemillException.class))
                    .satisfies(refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .extracting(TidemillException::message)
                    .asString()
                    .contains("560000000 bytes");
        }
    }

    private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-[0-9a-f]+ [r-]");
    private static final int WIDTH = 37;
    private static final int ROWS = 48;

    /** Whole numbers whose sums as floats are inexact. */
    @ParameterizedTest
    @ValueSource(
            strings = {"ReduceMean", "ReduceL1", "ReduceL2", "ReduceSumSquare", "MatMul", "ml:Normalizer", "Softmax"})
    void aJoinedAnswerIsTheLoneAnswerForLargeWholeNumbersToo(String operator) {
        var graph = new OnnxBytes()
                .input("x", OnnxBytes.INT64, "rows", WIDTH)
                .node("Cast", List.of("x"), List.of("f"), Map.of("to", OnnxBytes.FLOAT));
        if (operator.equals("MatMul")) {
            float[] ones = new float[WIDTH * 3];
            java.util.Arrays.fill(ones, 1);
            graph.floats("w", new long[] {WIDTH, 3}, ones)
                    .node(operator, List.of("f", "w"), List.of("y"), Map.of())
                    .output("y", OnnxBytes.FLOAT, "rows", 3);
        } else if (operator.startsWith("Reduce")) {
            graph.node(operator, List.of("f"), List.of("y"), Map.of("axes", new long[] {1}))
                    .output("y", OnnxBytes.FLOAT, "rows", 1);
        } else {
            graph.node(operator, List.of("f"), List.of("y"), Map.of()).output("y", OnnxBytes.FLOAT, "rows", WIDTH);
        }
        var chance = new Random(1);
        long[] values = chance.longs(ROWS * WIDTH, 1_000_000, 1_000_000_000).toArray();
        try (LoadedModel model = folders.open(graph)) {
            Tensor all = Tensor.wholes("x", Datatype.INT64, new long[] {ROWS, WIDTH}, values);
            Tensor together = model.predict(List.of(all)).getFirst();
            int different = 0;
            for (int i = 0; i < ROWS; i++) {
                Tensor alone =
                        model.predict(List.of(TensorRows.of(all, i, i + 1))).getFirst();
                different += alone.isSame(TensorRows.of(together, i, i + 1)) ? 0 : 1;
            }
            assertThat(model.batching().joins() ? different : 0)
                    .as("rows that differ")
                    .isZero();
        }
    }
}
