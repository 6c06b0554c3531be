package dev.tidemill.identity.domain;

import java.time.Instant;

/** A space of names with members of its own. */
public record Project(String name, String description, Instant createdAt) {
    public static final String DEFAULT = "default";
}
