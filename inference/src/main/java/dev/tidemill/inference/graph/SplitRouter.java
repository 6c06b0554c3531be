package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.util.List;
import java.util.Objects;

/** Shares rows out by the digest of a row, or of one of its columns. */
record SplitRouter(GraphNode.Split split) implements Router {
    @Override
    public int[] branches(List<Tensor> given) {
        double total =
                split.shares().stream().mapToDouble(GraphNode.Share::weight).sum();
        List<Tensor> hashed = split.by()
                .map(name -> List.of(Tensor.named(given, name)
                        .orElseThrow(() -> TidemillException.invalid(
                                "inputs", "The graph asks for a column '" + name + "', which is not there"))))
                .orElse(given);
        int[] branches = new int[given.getFirst().rows()];
        for (int row = 0; row < branches.length; row++) {
            double draw = draw(hashed, row) * total;
            int branch = 0;
            while (branch < split.shares().size() - 1
                    && draw >= split.shares().get(branch).weight()) {
                draw -= split.shares().get(branch).weight();
                branch++;
            }
            branches[row] = branch;
        }
        return branches;
    }

    /** A number in [0, 1) that depends on the values alone. */
    private static double draw(List<Tensor> tensors, int row) {
        var values = new StringBuilder();
        for (Tensor tensor : tensors) {
            int width = tensor.width();
            for (int i = row * width; i < (row + 1) * width; i++) {
                values.append(Objects.toString(tensor.value(i))).append('\n');
            }
        }
        return Long.parseLong(Ids.sha256(values.toString()).substring(0, 13), 16) / (double) (1L << 52);
    }

    @Override
    public List<TensorSpec> columns() {
        return split.by().map(name -> Stages.asked(name, true)).stream().toList();
    }
}
