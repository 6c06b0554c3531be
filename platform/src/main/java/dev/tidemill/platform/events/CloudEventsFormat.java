package dev.tidemill.platform.events;

import dev.tidemill.platform.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Webhooks as CloudEvents. */
final class CloudEventsFormat implements WebhookFormat {
    @Override
    public Optional<Message> message(Webhook webhook, StoredEvent event) {
        String type = event.event().type();
        boolean wanted = webhook.types().isEmpty() || webhook.types().stream().anyMatch(type::startsWith);
        return wanted
                ? Optional.of(new Message(
                        CloudEvents.CONTENT_TYPE,
                        Json.write(CloudEvents.toJson(event)).getBytes(StandardCharsets.UTF_8)))
                : Optional.empty();
    }

    @Override
    public Map<String, String> headers(String delivery, Instant now, String signature) {
        return Map.of(
                "Tidemill-Delivery", delivery,
                "Tidemill-Timestamp", Long.toString(now.getEpochSecond()),
                "Tidemill-Signature", signature);
    }
}
