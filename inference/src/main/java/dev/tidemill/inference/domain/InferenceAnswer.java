package dev.tidemill.inference.domain;

import java.util.List;

/**
 * Predictions, one for each row.
 *
 * @param challenger whether the challenger answered
 */
public record InferenceAnswer(ServedVersion version, boolean challenger, List<double[]> predictions) {}
