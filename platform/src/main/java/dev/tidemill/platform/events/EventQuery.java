package dev.tidemill.platform.events;

import java.util.Optional;

/**
 * Which events are wanted.
 *
 * @param project those of one project, or with an empty name those of none; absent: all
 * @param typePrefix what their types begin with, as the log has them
 * @param subjectPrefix what their subjects begin with
 * @param user those of what a user did, signed in or by a token
 * @param before those that stand before this position
 * @param limit at most so many
 */
public record EventQuery(
        Optional<String> project,
        Optional<String> typePrefix,
        Optional<String> subjectPrefix,
        Optional<String> user,
        Optional<Long> before,
        int limit) {}
