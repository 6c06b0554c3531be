package dev.tidemill.inference.domain;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model in memory. Thread-safe. */
public interface LoadedModel {
    /** Names of the inputs, in order, with their Open Inference Protocol datatypes. */
    List<Tensor> inputs();

    /** Number of values in one prediction. */
    int outputs();

    /** Names of the classes of a classifier; empty for a regression. */
    List<String> classes();

    /** Predicts one row given by column; an absent column is missing. */
    double[] predict(Map<String, ? extends @Nullable Object> row);

    /** Name and datatype of an input. */
    record Tensor(String name, String datatype) {}
}
