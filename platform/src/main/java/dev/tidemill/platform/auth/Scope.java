package dev.tidemill.platform.auth;

/** A purpose that a token can be bound to. */
public enum Scope {
    /** Reading what the server measures of itself, as a Prometheus does. */
    METRICS
}
