package dev.tidemill.tracking.domain;

import java.time.Instant;

/** One point of a metric's curve. */
public record MetricPoint(String name, long step, Instant recordedAt, double value) {}
