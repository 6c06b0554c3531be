package dev.tidemill.inference.domain;

import java.util.List;

/**
 * What clients may know of a model before they call it.
 *
 * @param versions that may be asked for by number, the default one first
 * @param batching whether requests that wait are joined, and how that is known
 */
public record ServedModel(
        List<Integer> versions,
        String platform,
        List<TensorSpec> inputs,
        List<TensorSpec> outputs,
        List<String> classes,
        Batching batching) {}
