package dev.tidemill.inference.domain;

import java.util.List;

/**
 * Predictions.
 *
 * @param challenger whether the challenger answered
 */
public record InferenceAnswer(ServedVersion version, boolean challenger, List<Tensor> outputs) {}
