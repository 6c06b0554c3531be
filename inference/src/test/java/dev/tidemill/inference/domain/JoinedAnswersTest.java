package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.onnx.OnnxBytes;
import dev.tidemill.inference.onnx.OnnxFolders;
import dev.tidemill.testkit.Await;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A joined answer is the lone answer, bit for bit, whatever the graph. */
class JoinedAnswersTest {
    private static final int WIDTH = 5;
    private static final int CALLERS = 40;

    @TempDir
    Path directory;

    private static float[] chance(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A chain of operators on {@code [rows, 5]}, one in four of which mixes rows. */
    private static OnnxBytes model(Random random) {
        var model = new OnnxBytes()
                .input("x0", OnnxBytes.FLOAT, "rows", WIDTH)
                .wholes("last", 1)
                .wholes("first", 0)
                .wholes("folded", 0, WIDTH, 1)
                .wholes("flat", -1, WIDTH);
        int length = 1 + random.nextInt(6);
        for (int i = 0; i < length; i++) {
            List<String> x = List.of("x" + i);
            List<String> y = List.of("x" + (i + 1));
            String aside = "a" + i;
            switch (random.nextInt(random.nextInt(4) == 0 ? 20 : 14)) {
                case 0 -> model.node("Relu", x, y, Map.of());
                case 1 -> model.node("Tanh", x, y, Map.of());
                case 2 -> model.node("Sigmoid", x, y, Map.of());
                case 3 -> model.node("Softmax", x, y, Map.of("axis", 1));
                case 4, 5 ->
                    model.floats("w" + i, new long[] {WIDTH, WIDTH}, chance(random, WIDTH * WIDTH))
                            .node("MatMul", List.of("x" + i, "w" + i), y, Map.of());
                case 6 ->
                    model.floats("w" + i, new long[] {WIDTH, WIDTH}, chance(random, WIDTH * WIDTH))
                            .floats("b" + i, new long[] {WIDTH}, chance(random, WIDTH))
                            .node("Gemm", List.of("x" + i, "w" + i, "b" + i), y, Map.of("transB", 1));
                case 7 ->
                    model.floats("b" + i, new long[] {1, WIDTH}, chance(random, WIDTH))
                            .node("Mul", List.of("x" + i, "b" + i), y, Map.of());
                case 8 ->
                    model.node("ReduceMean", x, List.of(aside), Map.of("axes", new long[] {1}))
                            .node("Sub", List.of("x" + i, aside), y, Map.of());
                case 9 ->
                    model.floats("s" + i, new long[] {WIDTH}, chance(random, WIDTH))
                            .node("LayerNormalization", List.of("x" + i, "s" + i), y, Map.of("axis", -1));
                case 10 ->
                    model.node("Reshape", List.of("x" + i, "folded"), List.of(aside), Map.of())
                            .node("Transpose", List.of(aside), List.of(aside + "t"), Map.of("perm", new long[] {0, 2, 1
                            }))
                            .node("Reshape", List.of(aside + "t", "flat"), y, Map.of());
                case 11 -> model.node("LeakyRelu", x, y, Map.of("alpha", 0.3f));
                case 12 -> model.node("Erf", x, y, Map.of());
                case 13 -> model.node("Exp", x, List.of(aside), Map.of()).node("Sqrt", List.of(aside), y, Map.of());
                // These mix rows, or depend in the last bits on where a row stands.
                case 14, 15 ->
                    model.node("ReduceMean", x, List.of(aside), Map.of("axes", new long[] {0}))
                            .node("Sub", List.of("x" + i, aside), y, Map.of());
                case 16 -> model.node("Softmax", x, y, Map.of("axis", 0));
                case 17 ->
                    model.node("DynamicQuantizeLinear", x, List.of(aside, aside + "s", aside + "z"), Map.of())
                            .node("DequantizeLinear", List.of(aside, aside + "s", aside + "z"), y, Map.of());
                case 18 -> model.node("CumSum", List.of("x" + i, "first"), y, Map.of());
                default -> model.node("Elu", x, y, Map.of());
            }
        }
        return model.output("x" + length, OnnxBytes.FLOAT, "rows", WIDTH);
    }

    private static Tensor rows(Random random) {
        int rows = 1 + random.nextInt(3);
        double[] values = new double[rows * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(60) == 0 ? Double.NaN : (float) (3 * random.nextGaussian());
        }
        return Tensor.numbers("x0", Datatype.FP32, new long[] {rows, WIDTH}, values);
    }

    /** A model in one lane, whose first call is held until others wait. */
    private record InOneLane(LoadedModel model, Batching batching, CountDownLatch gate) implements LoadedModel {
        @Override
        public String platform() {
            return model.platform();
        }

        @Override
        public List<TensorSpec> inputs() {
            return model.inputs();
        }

        @Override
        public List<TensorSpec> outputs() {
            return model.outputs();
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return model.predict(given);
        }

        @Override
        public long bytes() {
            return model.bytes();
        }

        @Override
        public void close() {}
    }

    /** What many callers at once found. */
    private record Found(int joined, int different) {}

    @Test
    void aJoinedAnswerIsTheLoneAnswerBitForBit() throws Exception {
        var folders = new OnnxFolders(directory);
        int joining = 0;
        int joined = 0;
        int spoilt = 0;
        for (int seed = 0; seed < 80; seed++) {
            var random = new Random(seed);
            try (LoadedModel model = folders.open(model(random))) {
                Batching batching = model.batching();
                if (batching.joins()) {
                    Found found = together(model, Batching.joined(1, batching.rows(), ""), random);
                    assertThat(found.different()).as("seed " + seed).isZero();
                    joining++;
                    joined += found.joined();
                } else if (together(model, Batching.joined(1, 1_024, ""), random)
                                .different()
                        > 0) {
                    // What would have become of it.
                    spoilt++;
                }
            }
        }
        assertThat(joining).as("graphs that are known to answer row by row").isBetween(20, 70);
        assertThat(joined).as("answers that came from a joined call").isGreaterThan(20 * (CALLERS - 5));
        assertThat(spoilt).as("graphs whose callers would have got other rows").isGreaterThan(5);
    }

    private static Found together(LoadedModel model, Batching batching, Random random) throws Exception {
        var gate = new CountDownLatch(1);
        var batches = new Batches(new InOneLane(model, batching, gate), new WaitingRoom(2_000, 2_000).line());
        int joined = 0;
        int different = 0;
        try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Tensor> alone = new ArrayList<>();
            List<Future<Calls.Outcome>> answers = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                Tensor one = rows(random);
                alone.add(model.predict(List.of(one)).getFirst());
                answers.add(callers.submit(() -> batches.call(List.of(one), CallContext.NONE)));
            }
            Await.until("all but one wait", () -> batches.waiting() == CALLERS - 1);
            gate.countDown();
            for (int i = 0; i < CALLERS; i++) {
                Calls.Outcome outcome = answers.get(i).get();
                joined += outcome.executed() ? 0 : 1;
                different += outcome.outputs().getFirst().isSame(alone.get(i)) ? 0 : 1;
            }
        }
        return new Found(joined, different);
    }
}
