package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One journalled prediction.
 *
 * @param id unique within the deployment
 * @param challengerServed whether the challenger's output was the answer
 */
public record Prediction(
        String project,
        String deployment,
        String id,
        Instant eventTime,
        Instant receivedAt,
        Map<String, @Nullable Object> features,
        boolean challengerServed,
        int championVersion,
        List<Double> champion,
        Optional<Integer> challengerVersion,
        List<Double> challenger) {}
