package dev.tidemill.tracking.domain;

/** Which things a search sees. */
public enum Lifecycle {
    ACTIVE_ONLY,
    DELETED_ONLY,
    ALL
}
