package dev.tidemill.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import com.microsoft.ml.lightgbm.PredictionType;
import dev.tidemill.trees.BoostedTrees;
import dev.tidemill.trees.LightgbmText;
import dev.tidemill.trees.XgboostModel;
import io.github.metarank.lightgbm4j.LGBMBooster;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One thread scores rows that rotate over a thousand: our trees, ONNX Runtime with pinned buffers, and the native libraries.
 * The models and rows lie in the folder of the property {@code models}; {@code benchmarks/trees.py} makes them, and every
 * engine's answers are compared before any is timed.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TreeScoring {
    /** Rows in one call. */
    @Param({"1", "10", "100"})
    public int rows;

    private double[][][] batches = {};
    private double[][] flat = {};
    private float[][] flatFloats = {};
    private FloatBuffer input = FloatBuffer.allocate(0);
    private FloatBuffer output = FloatBuffer.allocate(0);
    private Map<String, OnnxTensor> fed = Map.of();
    private Map<String, OnnxValue> pinned = Map.of();
    private BoostedTrees lightgbm;
    private BoostedTrees categorical;
    private BoostedTrees xgboost;
    private double[][][] holes = {};
    private OrtSession session;
    private LGBMBooster nativeLightgbm;
    private Booster nativeXgboost;
    private int next;

    @Setup
    public void load() throws Exception {
        Path models = Path.of(System.getProperty("models"));
        lightgbm = LightgbmText.parse(Files.readAllBytes(models.resolve("lightgbm.txt")));
        categorical = LightgbmText.parse(Files.readAllBytes(models.resolve("categorical.txt")));
        xgboost = XgboostModel.parse(Files.readAllBytes(models.resolve("xgboost.json")));
        nativeLightgbm = LGBMBooster.loadModelFromString(Files.readString(models.resolve("lightgbm.txt")));
        nativeXgboost = XGBoost.loadModel(models.resolve("xgboost.json").toString());
        double[][] all = table(models.resolve("rows.csv"));
        double[][] missing = table(models.resolve("holes.csv"));
        int count = all.length / rows;
        batches = new double[count][rows][];
        holes = new double[count][rows][];
        flat = new double[count][];
        flatFloats = new float[count][];
        int width = all[0].length;
        for (int i = 0; i < count; i++) {
            flat[i] = new double[rows * width];
            flatFloats[i] = new float[rows * width];
            for (int row = 0; row < rows; row++) {
                batches[i][row] = all[i * rows + row];
                holes[i][row] = missing[i * rows + row];
                for (int column = 0; column < width; column++) {
                    flat[i][row * width + column] = all[i * rows + row][column];
                    flatFloats[i][row * width + column] = (float) all[i * rows + row][column];
                }
            }
        }
        onnx(models, width);
        compare();
    }

    private static double[][] table(Path csv) throws Exception {
        List<String> lines = Files.readAllLines(csv);
        double[][] table = new double[lines.size()][];
        for (int i = 0; i < table.length; i++) {
            String[] cells = lines.get(i).split(",");
            table[i] = new double[cells.length];
            for (int j = 0; j < cells.length; j++) {
                table[i][j] = Double.parseDouble(cells[j].equals("nan") ? "NaN" : cells[j]);
            }
        }
        return table;
    }

    private void onnx(Path models, int width) throws Exception {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        session = environment.createSession(models.resolve("lightgbm.onnx").toString(), options);
        input = ByteBuffer.allocateDirect(rows * width * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
        output = ByteBuffer.allocateDirect(rows * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
        fed = Map.of("X", OnnxTensor.createTensor(environment, input, new long[] {rows, width}));
        pinned = Map.of(
                session.getOutputNames().iterator().next(),
                OnnxTensor.createTensor(environment, output, new long[] {rows, 1}));
    }

    private void compare() throws Exception {
        for (int i = 0; i < batches.length; i++) {
            double[][] ours = lightgbm.predict(batches[i]);
            double[] theirs = nativeLightgbm.predictForMat(
                    flat[i], rows, flat[i].length / rows, true, PredictionType.C_API_PREDICT_NORMAL);
            input.put(0, flatFloats[i]);
            session.run(fed, pinned).close();
            float[][] boosted = nativeXgboost.predict(new DMatrix(flatFloats[i], rows, flat[i].length / rows, Float.NaN));
            double[][] oursBoosted = xgboost.predict(batches[i]);
            for (int row = 0; row < rows; row++) {
                near(ours[row][0], theirs[row], 1e-12);
                near(ours[row][0], output.get(row), 1e-5);
                near(oursBoosted[row][0], boosted[row][0], 2e-6);
            }
        }
    }

    private static void near(double one, double other, double tolerance) {
        if (!(Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(other)))) {
            throw new IllegalStateException(one + " is not " + other);
        }
    }

    private int turn() {
        next = next + 1 == batches.length ? 0 : next + 1;
        return next;
    }

    @Benchmark
    public Object tidemillLightgbm() {
        return rows == 1 ? lightgbm.predict(batches[turn()][0]) : lightgbm.predict(batches[turn()]);
    }

    @Benchmark
    public Object tidemillMissingAndCategorical() {
        return rows == 1 ? categorical.predict(holes[turn()][0]) : categorical.predict(holes[turn()]);
    }

    @Benchmark
    public Object tidemillXgboost() {
        return rows == 1 ? xgboost.predict(batches[turn()][0]) : xgboost.predict(batches[turn()]);
    }

    @Benchmark
    public Object onnxRuntime() throws Exception {
        input.put(0, flatFloats[turn()]);
        session.run(fed, pinned).close();
        return output.get(0);
    }

    @Benchmark
    public Object lightgbmNative() throws Exception {
        double[] row = flat[turn()];
        return rows == 1
                ? nativeLightgbm.predictForMatSingleRow(row, PredictionType.C_API_PREDICT_NORMAL)
                : nativeLightgbm.predictForMat(row, rows, row.length / rows, true, PredictionType.C_API_PREDICT_NORMAL);
    }

    @Benchmark
    public Object xgboostNative() throws Exception {
        float[] some = flatFloats[turn()];
        return nativeXgboost.inplace_predict(some, rows, some.length / rows, Float.NaN);
    }
}
