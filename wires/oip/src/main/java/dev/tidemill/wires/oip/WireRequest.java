package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

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
    private static final String TIMEOUT = "timeout";
    private static final long LONGEST_MICROS = 86_400_000_000L;

    WireRequest {
        Set<String> names = new HashSet<>();
        for (RequestedOutput output : outputs) {
            if (!names.add(output.name())) {
                throw TidemillException.invalid("outputs", "Output '" + output.name() + "' is asked for twice");
            }
        }
    }

    /**
     * An output that is asked for.
     *
     * @param classes how many classes to tell of each row instead of the values; 0 for the values
     * @param base64 whether bytes are told as Base64 in JSON
     */
    record RequestedOutput(String name, Optional<Boolean> binary, int classes, boolean base64) {
        private static final int MOST_CLASSES = 100_000;

        /** Reads what the parameters of an output say. */
        static RequestedOutput of(String name, Map<String, Object> parameters) {
            Optional<Boolean> binary =
                    parameters.get("binary_data") instanceof Boolean told ? Optional.of(told) : Optional.empty();
            Object classes = parameters.getOrDefault("classification", 0L);
            if (!(classes instanceof Number number) || number.longValue() < 0 || number.longValue() > MOST_CLASSES) {
                throw TidemillException.invalid(
                        "classification", "'" + classes + "' is not a number of classes from 0 to " + MOST_CLASSES);
            }
            return new RequestedOutput(
                    name, binary, number.intValue(), "base64".equals(parameters.get("content_type")));
        }
    }

    /** Parameters that say how to answer; all others are the model's. */
    private static final Set<String> OF_THE_PROTOCOL = Set.of(
            "binary_data_output",
            "content_type",
            "entity",
            "event_time",
            "headers",
            "priority",
            "sequence_end",
            "sequence_id",
            "sequence_start",
            TIMEOUT);

    /** @param cancellation of the call, as {@link #timeout} bounds it */
    InferenceRequest request(Instant now, Cancellation cancellation) {
        Map<String, Object> own = Map.of();
        if (!parameters.isEmpty()) {
            own = new TreeMap<>(parameters);
            own.keySet().removeIf(name -> OF_THE_PROTOCOL.contains(name) || name.startsWith("triton_"));
        }
        return InferenceRequest.of(id, text("event_time"), text("entity"), inputs, now)
                .with(new CallContext(own, cancellation));
    }

    /** The answer as the classifier's parameter wants it; the model's own outputs where the request does not say. */
    InferenceAnswer formed(InferenceAnswer answer) {
        return parameters.get(ModelParameters.PROBABILITIES.name()) instanceof Boolean wanted
                ? ClassifierForm.of(answer, wanted)
                : answer;
    }

    /** For how long the answer is wanted, as Triton's clients say it: in microseconds, 0 for as long as it takes. */
    Optional<Duration> timeout() {
        Object told = parameters.get(TIMEOUT);
        if (told == null) {
            return Optional.empty();
        }
        boolean whole = told instanceof Long || told instanceof Integer;
        if (!whole || ((Number) told).longValue() < 0 || ((Number) told).longValue() > LONGEST_MICROS) {
            throw TidemillException.invalid(
                    "parameters.timeout", "'" + told + "' is not a number of microseconds from 0 to " + LONGEST_MICROS);
        }
        return Optional.of(Duration.of(((Number) told).longValue(), ChronoUnit.MICROS))
                .filter(time -> !time.isZero());
    }

    private Optional<String> text(String parameter) {
        return Optional.ofNullable(parameters.get(parameter)).map(String::valueOf);
    }
}
