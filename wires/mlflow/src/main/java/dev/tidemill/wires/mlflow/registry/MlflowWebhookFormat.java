package dev.tidemill.wires.mlflow.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.platform.events.Webhook;
import dev.tidemill.platform.events.WebhookFormat;
import dev.tidemill.platform.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Webhooks as MLflow sends them: {@code entity}, {@code action}, {@code timestamp} and {@code data}. */
public final class MlflowWebhookFormat implements WebhookFormat {
    public static final String NAME = "mlflow";

    /** What may be asked for, as {@code ENTITY.ACTION}, with the data that a test sends. */
    static final Map<String, Map<String, Object>> EVENTS = events();

    private static final Map<String, String> ENTITIES = Map.of(
            "model.created", "REGISTERED_MODEL.CREATED",
            "model.version.registered", "MODEL_VERSION.CREATED",
            "model.version.tag.set", "MODEL_VERSION_TAG.SET",
            "model.version.tag.deleted", "MODEL_VERSION_TAG.DELETED",
            "model.alias.moved", "MODEL_VERSION_ALIAS.CREATED",
            "model.alias.removed", "MODEL_VERSION_ALIAS.DELETED");
    private static final Map<String, String> PROMPT_ENTITIES = Map.of(
            "model.created", "PROMPT.CREATED",
            "model.version.registered", "PROMPT_VERSION.CREATED",
            "model.tag.set", "PROMPT_TAG.SET",
            "model.tag.deleted", "PROMPT_TAG.DELETED",
            "model.version.tag.set", "PROMPT_VERSION_TAG.SET",
            "model.version.tag.deleted", "PROMPT_VERSION_TAG.DELETED",
            "model.alias.moved", "PROMPT_ALIAS.CREATED",
            "model.alias.removed", "PROMPT_ALIAS.DELETED");
    private static final String TEMPLATE_TAG = "mlflow.prompt.text";

    private static Map<String, Map<String, Object>> events() {
        Map<String, Object> tags = Map.of("example_key", "example_value");
        var events = new LinkedHashMap<String, Map<String, Object>>();
        for (String kind : List.of("MODEL", "PROMPT")) {
            boolean model = kind.equals("MODEL");
            String name = "example_" + kind.toLowerCase(Locale.ROOT);
            Map<String, Object> described = Map.of("name", name, "tags", tags, "description", "An example");
            events.put((model ? "REGISTERED_MODEL" : "PROMPT") + ".CREATED", described);
            events.put(
                    kind + "_VERSION.CREATED",
                    model
                            ? Map.of(
                                    "name",
                                    name,
                                    "version",
                                    "1",
                                    "source",
                                    "models:/123",
                                    "run_id",
                                    "abcd1234abcd5678",
                                    "tags",
                                    tags,
                                    "description",
                                    "An example")
                            : Map.of(
                                    "name",
                                    name,
                                    "version",
                                    "1",
                                    "template",
                                    "Hello {{name}}!",
                                    "tags",
                                    tags,
                                    "description",
                                    "An example"));
            String version = kind + "_VERSION_TAG";
            events.put(
                    version + ".SET",
                    Map.of("name", name, "version", "1", "key", "example_key", "value", "example_value"));
            events.put(version + ".DELETED", Map.of("name", name, "version", "1", "key", "example_key"));
            String alias = model ? "MODEL_VERSION_ALIAS" : "PROMPT_ALIAS";
            events.put(alias + ".CREATED", Map.of("name", name, "alias", "example_alias", "version", "1"));
            events.put(alias + ".DELETED", Map.of("name", name, "alias", "example_alias"));
        }
        events.put("PROMPT_TAG.SET", Map.of("name", "example_prompt", "key", "example_key", "value", "example_value"));
        events.put("PROMPT_TAG.DELETED", Map.of("name", "example_prompt", "key", "example_key"));
        return Map.copyOf(events);
    }

    @Override
    public Optional<Message> message(Webhook webhook, StoredEvent stored) {
        JsonNode told = Json.tree(stored.event().data());
        boolean prompt = told.path("prompt").asBoolean();
        String name = (prompt ? PROMPT_ENTITIES : ENTITIES).get(stored.event().type());
        if (name == null || !webhook.types().contains(name)) {
            return Optional.empty();
        }
        return Optional.of(message(name, data(name, told), stored.recordTime()));
    }

    private static ObjectNode data(String name, JsonNode told) {
        ObjectNode data = Json.object().put("name", told.path("model").asText());
        for (String field : List.of("version", "source", "key", "value", "alias")) {
            if (told.has(field)) {
                data.put(field, told.path(field).asText());
            }
        }
        if (name.endsWith(".CREATED") && !told.has("alias")) {
            data.set("tags", told.path("tags"));
            data.put("description", told.path("description").asText(""));
        }
        if (name.equals("MODEL_VERSION.CREATED")) {
            data.put("run_id", told.path("run").asText(""));
        }
        if (name.equals("PROMPT_VERSION.CREATED")) {
            data.remove("source");
            data.put("template", told.path("tags").path(TEMPLATE_TAG).asText(""));
        }
        return data;
    }

    /** A message about an event of MLflow's, named {@code ENTITY.ACTION}. */
    static Message message(String name, Object data, Instant time) {
        String[] parts = name.toLowerCase(Locale.ROOT).split("\\.", 2);
        ObjectNode json =
                Json.object().put("entity", parts[0]).put("action", parts[1]).put("timestamp", time.toString());
        json.set("data", Json.tree(data));
        return new Message("application/json", Json.write(json).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public Map<String, String> headers(String delivery, Instant now, String signature) {
        return Map.of(
                "X-MLflow-Delivery-Id", delivery,
                "X-MLflow-Timestamp", Long.toString(now.getEpochSecond()),
                "X-MLflow-Signature", signature);
    }
}
