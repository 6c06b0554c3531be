package dev.tidemill.inference.domain;

import java.util.List;

/** Takes journalled predictions from gateways. A prediction whose id is known already is left out. Thread-safe. */
@FunctionalInterface
public interface PredictionSink {
    void append(List<Prediction> batch);
}
