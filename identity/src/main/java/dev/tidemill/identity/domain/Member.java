package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Role;

/** A user's part in a project. */
public record Member(String project, String user, Role role) {}
