package dev.tidemill.platform.audit;

import java.util.Optional;

/**
 * Which refusals are wanted.
 *
 * @param user those of a user, signed in or by a token
 * @param address those from one address
 * @param code those with one code
 * @param before those that stand before this position
 * @param limit at most so many
 */
public record RefusalQuery(
        Optional<String> user, Optional<String> address, Optional<String> code, Optional<Long> before, int limit) {}
