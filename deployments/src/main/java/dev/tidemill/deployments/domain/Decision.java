package dev.tidemill.deployments.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Something that was decided about a deployment, and on what evidence. */
public record Decision(
        long position,
        Optional<Instant> at,
        Instant recordedAt,
        Action action,
        Optional<Integer> version,
        String reason,
        Map<String, Object> evidence,
        String actor) {
    /** What was decided. */
    public enum Action {
        DEPLOYED,
        SHADOWED,
        CANARIED,
        PROMOTED,
        REJECTED,
        ROLLED_BACK
    }
}
