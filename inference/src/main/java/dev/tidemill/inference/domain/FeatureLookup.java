package dev.tidemill.inference.domain;

import java.util.List;

/**
 * Finds what a request leaves out, in an online store, by the keys of entities that it brings. Thread-safe, and as quick as
 * whoever waits for the answer needs it.
 */
@FunctionalInterface
public interface FeatureLookup {
    /** No store: a request has to bring every input. */
    FeatureLookup NONE = (version, given, missing) -> List.of();

    /**
     * Finds columns.
     *
     * @param version of the model that is asked
     * @param given what the request brings, the keys among it; all of as many rows
     * @param missing inputs of the model that are not among it
     * @return those of the missing that the store has, each of as many rows; a row that it does not know is missing there
     */
    List<Tensor> find(ServedVersion version, List<Tensor> given, List<TensorSpec> missing);

    /** A request's tensors as a model takes them. */
    default List<Tensor> fitted(
            LoadedModel model,
            ServedVersion version,
            InferenceRequest request,
            InputPolicy policy,
            List<TensorSpec> others) {
        List<TensorSpec> inputs = model.inputs();
        List<Tensor> given = completed(version, inputs, request.inputs());
        if (policy == InputPolicy.WARN) {
            given = InputBinding.filled(inputs, given);
        } else if (this == NONE) {
            // With a store, keys are known to it alone.
            InputBinding.checkKnown(inputs, others, given);
        }
        return InputBinding.fit(inputs, given);
    }

    /** A request's tensors, with what the store has of the inputs that they lack. */
    default List<Tensor> completed(ServedVersion version, List<TensorSpec> inputs, List<Tensor> given) {
        boolean columns = given.stream().allMatch(Tensor::isColumn);
        if (this == NONE || !columns) {
            return given;
        }
        List<TensorSpec> missing = inputs.stream()
                .filter(spec ->
                        spec.isColumn() && Tensor.named(given, spec.name()).isEmpty())
                .toList();
        if (missing.isEmpty()) {
            return given;
        }
        List<Tensor> all = new java.util.ArrayList<>(given);
        all.addAll(find(version, given, missing));
        return all;
    }
}
