package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Payloads of one row, told apart by the id of their request. */
public final class Payloads {
    private static final ServedVersion VERSION =
            new ServedVersion("default", "m", 1, new Digest("0".repeat(64)), false);

    private Payloads() {}

    public static Payload of(String id) {
        var request = new InferenceRequest(
                id,
                true,
                Instant.EPOCH,
                Optional.empty(),
                List.of(ColumnValues.column("x", List.of(1.0))),
                "",
                CallContext.NONE);
        return new Payload(
                "default", "m", VERSION, Route.CHAMPION, Instant.EPOCH, 0, request, List.of(), Optional.empty());
    }
}
