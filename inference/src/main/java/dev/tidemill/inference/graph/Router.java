package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import java.util.List;

/** Sends rows to branches. Thread-safe. */
interface Router {
    /** The branch of each row, by its number. */
    int[] branches(List<Tensor> given);

    /** Columns that it asks for. */
    List<TensorSpec> columns();
}
