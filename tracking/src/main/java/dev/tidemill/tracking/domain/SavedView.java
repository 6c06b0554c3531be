package dev.tidemill.tracking.domain;

import java.time.Instant;

/**
 * A screen's address under a name; unique in the project.
 *
 * @param address path and query below the project's screens, such as {@code /experiments?filter=...}
 */
public record SavedView(String name, String address, String madeBy, Instant createdAt) {}
