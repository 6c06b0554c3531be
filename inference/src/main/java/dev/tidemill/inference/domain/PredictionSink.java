package dev.tidemill.inference.domain;

import java.util.List;

/** Takes journalled predictions from gateways. A prediction whose id is known already is left out. Thread-safe. */
@FunctionalInterface
public interface PredictionSink {
    /**
     * Takes predictions.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code NOT_FOUND}, {@code INVALID_*} or {@code TOO_LARGE} if one of
     *     them will never be taken; any other code and any other exception if it may pass and they may be given again
     */
    void append(List<Prediction> batch);
}
