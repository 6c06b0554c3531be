package dev.tidemill.tracking.domain;

import java.time.Instant;

/**
 * One version of a judge that an experiment keeps.
 *
 * @param id the same for all versions of a name
 * @param content as its client serialized it; never read here
 */
public record Scorer(String id, long experimentId, String name, int version, String content, Instant createdAt) {}
