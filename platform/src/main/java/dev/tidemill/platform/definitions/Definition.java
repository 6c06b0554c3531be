package dev.tidemill.platform.definitions;

import java.time.Instant;

/** A definition as stored. */
public record Definition(
        String project,
        String kind,
        String name,
        int version,
        String digest,
        String path,
        String text,
        String attachments,
        Instant appliedAt) {}
