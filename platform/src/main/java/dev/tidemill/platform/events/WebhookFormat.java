package dev.tidemill.platform.events;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** How a webhook's receiver is told of events. Implementations are thread-safe. */
public interface WebhookFormat {
    /** The format of webhooks that ask for none. */
    String CLOUD_EVENTS = "cloudevents";

    /** One message. */
    record Message(String contentType, byte[] body) {}

    /** What the receiver is told of an event; empty if the webhook does not want it. */
    Optional<Message> message(Webhook webhook, StoredEvent event);

    /**
     * Headers beside the message.
     *
     * @param delivery the same for every attempt
     * @param signature over delivery, time in seconds and body
     */
    Map<String, String> headers(String delivery, Instant now, String signature);
}
