package dev.tidemill.inference.domain;

import java.util.List;

/**
 * What clients may know of a model before they call it.
 *
 * @param versions that may be asked for by number, the default one first
 */
public record ServedModel(
        List<Integer> versions,
        String platform,
        List<TensorSpec> inputs,
        List<TensorSpec> outputs,
        List<String> classes) {}
