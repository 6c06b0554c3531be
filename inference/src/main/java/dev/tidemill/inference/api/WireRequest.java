package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.Tensor;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A request of the Open Inference Protocol, whatever the wire.
 *
 * @param parameters of the whole request; texts, numbers and truths
 * @param outputs that are asked for; none asks for all
 * @param binaryOutput whether outputs that say nothing else travel in binary form
 */
record WireRequest(
        Optional<String> id,
        Map<String, Object> parameters,
        List<Tensor> inputs,
        List<RequestedOutput> outputs,
        boolean binaryOutput) {
    /** An output that is asked for. */
    record RequestedOutput(String name, Optional<Boolean> binary) {}

    InferenceRequest request(Instant now) {
        return InferenceRequest.of(id, text("event_time"), text("entity"), inputs, now);
    }

    private Optional<String> text(String parameter) {
        return Optional.ofNullable(parameters.get(parameter)).map(String::valueOf);
    }
}
