package dev.tidemill.platform.events;

import java.time.Instant;
import java.util.List;

/**
 * A project's wish to be told of events.
 *
 * @param types prefixes of event types; none means all
 * @param position the last event that was delivered, skipped or given up
 * @param attempts how often the next event has been tried in vain
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
        String lastFailure) {
    boolean wants(String type) {
        return types.isEmpty() || types.stream().anyMatch(type::startsWith);
    }

    Webhook movedTo(long newPosition) {
        return with(newPosition, attempts, nextAttempt, delivered, givenUp, lastFailure);
    }

    Webhook delivered(long newPosition) {
        return with(newPosition, 0, 0, delivered + 1, givenUp, "");
    }

    Webhook failed(long retryAt, String why) {
        return with(position, attempts + 1, retryAt, delivered, givenUp, why);
    }

    Webhook givenUp(long newPosition, String why) {
        return with(newPosition, 0, 0, delivered, givenUp + 1, why);
    }

    private Webhook with(
            long newPosition, int newAttempts, long newNextAttempt, long newDelivered, long newGivenUp, String why) {
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
                why);
    }
}
