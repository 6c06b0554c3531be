package dev.tidemill.identity.domain;

import java.time.Instant;

/**
 * A person who can sign in.
 *
 * @param administrator whether the person administers the whole server
 */
public record User(String name, boolean administrator, Instant createdAt) {}
