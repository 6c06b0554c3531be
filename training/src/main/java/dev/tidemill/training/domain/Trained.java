package dev.tidemill.training.domain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training step hands on, as the outputs of a step can hold it.
 *
 * @param run id of the tracked run
 * @param folder digest of the model folder
 * @param error on held-out rows, or on the training rows where none were held out
 * @param dataUntil event time of the newest row that it was trained on, ISO 8601; empty without a time column
 */
public record Trained(
        String run,
        String folder,
        double error,
        Map<String, Object> parameters,
        Map<String, Object> metrics,
        Map<String, Object> signature,
        String data,
        String dataDigest,
        String dataUntil) {
    public Map<String, Object> toMap() {
        var map = new LinkedHashMap<String, Object>();
        map.put("run", run);
        map.put("folder", folder);
        map.put("error", error);
        map.put("parameters", parameters);
        map.put("metrics", metrics);
        map.put("signature", signature);
        map.put("data", data);
        map.put("dataDigest", dataDigest);
        map.put("dataUntil", dataUntil);
        return map;
    }

    /** The error in a map that {@link #toMap} made. */
    public static double error(Object trained) {
        if (trained instanceof Map<?, ?> map && map.get("error") instanceof Number error) {
            return error.doubleValue();
        }
        throw new IllegalArgumentException("not the output of a training step: " + trained);
    }

    /** Splits a list output: one map stays a list of one. */
    public static List<Object> listOf(Object value) {
        return value instanceof List<?> list ? List.copyOf(list) : List.of(value);
    }
}
