package dev.tidemill.inference.domain;

import java.util.List;

/** Takes journalled predictions from gateways. Thread-safe. */
@FunctionalInterface
public interface PredictionSink {
    /**
     * What has become of predictions.
     *
     * @param written how many of them were new
     * @param reused those whose id stands for a prediction with other features already; they are left out
     */
    record Taken(int written, List<Prediction> reused) {}

    /**
     * Takes predictions. One whose id is known is left out: with the same features it is the same prediction sent again.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code NOT_FOUND}, {@code INVALID_*} or {@code TOO_LARGE} if one of
     *     them will never be taken; any other code and any other exception if it may pass and they may be given again
     */
    Taken append(List<Prediction> batch);
}
