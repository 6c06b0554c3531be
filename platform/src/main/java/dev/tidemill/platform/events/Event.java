package dev.tidemill.platform.events;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Something that happened, as its author tells it.
 *
 * @param type what happened, in past tense, such as {@code model.version.registered}
 * @param project the project it happened in; empty for what happens to the server itself, such as to its users
 * @param subject what it happened to, such as {@code model/bikes/3}
 * @param digest content digest of the subject, where it has one
 * @param actor who did it, as {@link dev.tidemill.platform.auth.Actor} has it, or {@code system}
 * @param cause subject or event id that led to it
 * @param eventTime the data's time at which it happened, where it is about data
 * @param data the facts; values are strings, numbers, booleans, and maps or lists of them
 */
public record Event(
        String type,
        String project,
        String subject,
        Optional<String> digest,
        String actor,
        Optional<String> cause,
        Optional<Instant> eventTime,
        Map<String, ?> data) {
    public static final String SYSTEM = "system";

    public static Event of(String type, String project, String subject, String actor, Map<String, ?> data) {
        return new Event(type, project, subject, Optional.empty(), actor, Optional.empty(), Optional.empty(), data);
    }

    public Event withDigest(String value) {
        return new Event(type, project, subject, Optional.of(value), actor, cause, eventTime, data);
    }

    public Event withCause(String value) {
        return new Event(type, project, subject, digest, actor, Optional.of(value), eventTime, data);
    }

    public Event at(Instant time) {
        return new Event(type, project, subject, digest, actor, cause, Optional.of(time), data);
    }
}
