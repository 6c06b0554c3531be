package dev.tidemill.tracking.domain;

import java.time.Instant;

/** A named group of runs. The id comes from a sequence that all projects share. */
public record Experiment(long id, String project, String name, Instant createdAt) {}
