package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import java.util.List;

/** A part of a graph with its models in memory. Thread-safe. */
interface Stage {
    /**
     * What rows have become.
     *
     * @param routes for each row the branches it took; empty where there was no choice
     */
    record Flow(List<Tensor> tensors, List<String> routes) {}

    /** What it takes, as far as it is known; what several parts take is named once. */
    List<TensorSpec> inputs();

    List<TensorSpec> outputs();

    /** Names of the classes that its scores are of, in their order; empty if it names none. */
    List<String> classes();

    /** What these classes are. */
    ClassType classType();

    /** Whether it is scores of its classes that it answers with first, rather than one of them. */
    boolean answersScores();

    /** Whether it tells routes. */
    boolean chooses();

    /** Whether who asks it waits for another process meanwhile, rather than computing. */
    boolean isElsewhere();

    Flow answer(List<Tensor> given, CallContext context);
}
