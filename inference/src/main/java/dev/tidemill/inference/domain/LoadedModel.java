package dev.tidemill.inference.domain;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model in memory, or in a child process of ours. Thread-safe. */
public interface LoadedModel extends AutoCloseable {
    /** What runs it, such as {@code tidemill_trees}. */
    String platform();

    List<TensorSpec> inputs();

    List<TensorSpec> outputs();

    /** Names of the classes of a classifier, in the order of its scores; empty for a regression and where it names none. */
    default List<String> classes() {
        return List.of();
    }

    /** What its classes are. */
    default ClassType classType() {
        return ClassType.UNKNOWN;
    }

    /** Whether what it answers are the scores of its classes, from which the class is to be made, rather than the class itself. */
    default boolean answersScores() {
        return !classes().isEmpty();
    }

    /** Parameters that a call may carry; none for most models. */
    default List<ParameterSpec> parameters() {
        return List.of();
    }

    /**
     * Predicts.
     *
     * @param inputs as {@link InputBinding} has fitted them; an optional one may be absent
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_ARGUMENT} for values that the model refuses,
     *     {@code UNAVAILABLE} if what runs it is gone for the moment
     */
    List<Tensor> predict(List<Tensor> inputs);

    /**
     * The same, with what a call may carry beside its tensors. A model that has no parameters and cannot end a call early
     * ignores it.
     *
     * @throws dev.tidemill.platform.errors.TidemillException also what {@link Cancellation#exception} gives
     */
    default List<Tensor> predict(List<Tensor> inputs, CallContext context) {
        return predict(inputs);
    }

    /** Whether requests that wait for it may be joined; asked once it is loaded. */
    default Batching batching() {
        return Batching.apart("a call answers as fast alone");
    }

    /** Whether who calls it waits for another process meanwhile, rather than computing. */
    default boolean isElsewhere() {
        return false;
    }

    /** Whether a model that it calls may not be called any more, so that it has to be loaded anew. */
    default boolean isStale() {
        return false;
    }

    /** About how many bytes it takes. */
    long bytes();

    @Override
    void close();

    /** Predicts one row given by column; gives what is {@linkplain AnswerValues kept} of an answer. */
    default List<Object> predict(Map<String, ? extends @Nullable Object> row) {
        List<Tensor> given = new ArrayList<>();
        for (TensorSpec spec : inputs()) {
            Object value = row.get(spec.name());
            if (value != null || !spec.optional()) {
                given.add(ColumnValues.column(spec.name(), Collections.singletonList(value)));
            }
        }
        return AnswerValues.of(predict(InputBinding.fitted(inputs(), given)).getFirst());
    }
}
