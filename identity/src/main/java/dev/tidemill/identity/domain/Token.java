package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import java.time.Instant;
import java.util.Optional;

/** A token as shown; its secret is shown only once, when it is made. */
public record Token(
        String id,
        String user,
        String label,
        Optional<Role> roleCap,
        Optional<String> onlyProject,
        Optional<Scope> scope,
        Instant createdAt,
        Instant expiresAt,
        Optional<Instant> lastUsedAt) {}
