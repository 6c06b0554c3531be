package dev.tidemill.platform.events;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A project's wish to be told of events.
 *
 * @param types what it wants, in the words of its format: for CloudEvents prefixes of event types, none meaning all
 * @param format in which events are told; see {@link WebhookFormat}
 * @param active whether events are delivered; those that happen meanwhile are skipped
 * @param position the last event that was delivered, skipped or given up
 * @param attempts how often the next event has been tried in vain
 * @param secret signs what is delivered; empty if what is stored cannot be read
 * @param broken why nothing can be delivered, as last seen; empty if it can. Its events wait, but only as long as events are kept
 * @param nextAttempt wall time in milliseconds before which it is not tried again
 */
public record Webhook(
        String id,
        String project,
        String url,
        String secret,
        List<String> types,
        Instant createdAt,
        long position,
        int attempts,
        long nextAttempt,
        long delivered,
        long givenUp,
        String lastFailure,
        String name,
        String description,
        String format,
        boolean active,
        Instant updatedAt,
        Optional<String> broken) {
    /** What its maintainer may change of a webhook; an empty secret leaves the one that is stored. */
    public record Settings(
            String name, String description, String url, String secret, List<String> types, boolean active) {}

    public Settings settings() {
        return new Settings(name, description, url, secret, types, active);
    }

    Webhook changed(Settings settings, Instant now) {
        return new Webhook(
                id,
                project,
                settings.url(),
                settings.secret(),
                settings.types(),
                createdAt,
                position,
                attempts,
                nextAttempt,
                delivered,
                givenUp,
                lastFailure,
                settings.name(),
                settings.description(),
                format,
                settings.active(),
                now,
                settings.secret().isEmpty() ? broken : Optional.empty());
    }

    Webhook broken(Optional<String> why) {
        return with(position, attempts, nextAttempt, delivered, givenUp, lastFailure, why);
    }

    Webhook movedTo(long newPosition) {
        return with(newPosition, attempts, nextAttempt, delivered, givenUp, lastFailure, broken);
    }

    Webhook delivered(long newPosition) {
        return with(newPosition, 0, 0, delivered + 1, givenUp, "", broken);
    }

    Webhook failed(long retryAt, String why) {
        return with(position, attempts + 1, retryAt, delivered, givenUp, why, broken);
    }

    Webhook givenUp(long newPosition, String why) {
        return with(newPosition, 0, 0, delivered, givenUp + 1, why, broken);
    }

    private Webhook with(
            long newPosition,
            int newAttempts,
            long newNextAttempt,
            long newDelivered,
            long newGivenUp,
            String why,
            Optional<String> brokenNow) {
        return new Webhook(
                id,
                project,
                url,
                secret,
                types,
                createdAt,
                newPosition,
                newAttempts,
                newNextAttempt,
                newDelivered,
                newGivenUp,
                why,
                name,
                description,
                format,
                active,
                updatedAt,
                brokenNow);
    }
}
