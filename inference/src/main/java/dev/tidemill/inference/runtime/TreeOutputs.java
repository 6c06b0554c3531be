package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import java.util.List;

/** The one output of a tree ensemble: a value a row, or one for each class. */
final class TreeOutputs {
    private static final String NAME = "prediction";

    private TreeOutputs() {}

    static TensorSpec spec(Datatype datatype, int width) {
        return new TensorSpec(NAME, datatype, width == 1 ? List.of(-1L) : List.of(-1L, (long) width), false);
    }

    static Tensor tensor(Datatype datatype, int rows, int width, double[] values) {
        return Tensor.numbers(NAME, datatype, width == 1 ? new long[] {rows} : new long[] {rows, width}, values);
    }
}
