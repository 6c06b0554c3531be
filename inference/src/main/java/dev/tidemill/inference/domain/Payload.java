package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One request with what was answered, whichever wire it came over.
 *
 * @param name of the deployment or model that was called
 * @param model that answered, or failed to
 * @param route which version of those that the name stands for has answered, or failed to
 * @param receivedAt wall time of the answer
 * @param nanos how long it took, in nanoseconds
 * @param outputs none where it failed
 * @param error why it failed
 */
public record Payload(
        String project,
        String name,
        ServedVersion model,
        Route route,
        Instant receivedAt,
        long nanos,
        InferenceRequest request,
        List<Tensor> outputs,
        Optional<String> error) {
    /** About how many bytes it takes in memory. */
    long bytes() {
        long bytes = 500;
        for (Tensor tensor : request.inputs()) {
            bytes += 100 + RawTensors.length(tensor) * 2L;
        }
        for (Tensor tensor : outputs) {
            bytes += 100 + RawTensors.length(tensor) * 2L;
        }
        return bytes;
    }
}
