package dev.tidemill.inference.onnx;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.runtime.FeatureTable;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.OnnxTrees;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An ONNX tree ensemble in plain Java, with the outputs of its graph. */
final class OnnxTreeModel implements LoadedModel {
    private final OnnxTrees trees;
    private final FeatureTable table;
    private final List<TensorSpec> outputs = new ArrayList<>();
    private final int width;
    private final boolean texts;
    private final long bytes;

    OnnxTreeModel(OnnxTrees trees, Optional<Signature> signature, int length) {
        this.trees = trees;
        this.bytes = trees.ensemble().bytes() + length;
        boolean columns = trees.inputs().size() > 1;
        this.table = new FeatureTable(
                trees.ensemble().features(),
                signature,
                columns ? trees.inputs() : List.of(),
                trees.inputs().getFirst(),
                Datatype.FP32,
                List.of());
        this.width = trees.link().width(trees.ensemble());
        this.texts = !trees.labels().isEmpty() && trees.labels().getFirst() instanceof String;
        for (OnnxTrees.Output output : trees.outputs()) {
            outputs.add(
                    output.scores()
                            ? new TensorSpec(output.name(), Datatype.FP32, List.of(-1L, (long) width), false)
                            : TensorSpec.column(output.name(), texts ? Datatype.BYTES : Datatype.INT64, false));
        }
    }

    @Override
    public String platform() {
        return "tidemill_onnx_trees";
    }

    @Override
    public List<TensorSpec> inputs() {
        return table.specs();
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public List<String> classes() {
        return trees.labels().stream().map(String::valueOf).toList();
    }

    @Override
    public boolean answersScores() {
        return trees.outputs().getFirst().scores();
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        double[][] scores = trees.scores(table.rows(given));
        List<Tensor> answer = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            String name = outputs.get(i).name();
            answer.add(trees.outputs().get(i).scores() ? values(name, scores) : labels(name, scores));
        }
        return answer;
    }

    private Tensor values(String name, double[][] scores) {
        double[] values = new double[scores.length * width];
        for (int row = 0; row < scores.length; row++) {
            System.arraycopy(scores[row], 0, values, row * width, width);
        }
        return Tensor.numbers(name, Datatype.FP32, new long[] {scores.length, width}, values);
    }

    private Tensor labels(String name, double[][] scores) {
        long[] shape = {scores.length};
        if (!texts) {
            long[] wholes = new long[scores.length];
            for (int row = 0; row < scores.length; row++) {
                wholes[row] = (Long) trees.labels().get(trees.link().label(scores[row]));
            }
            return Tensor.wholes(name, Datatype.INT64, shape, wholes);
        }
        byte[] @Nullable [] labels = new byte[scores.length][];
        for (int row = 0; row < scores.length; row++) {
            labels[row] = String.valueOf(trees.labels().get(trees.link().label(scores[row])))
                    .getBytes(StandardCharsets.UTF_8);
        }
        return Tensor.texts(name, shape, labels);
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        // Lives on the heap alone.
    }
}
