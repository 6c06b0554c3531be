package dev.tidemill.platform.events;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;

/** Events on the wire: CloudEvents 1.0 in structured JSON mode. */
public final class CloudEvents {
    public static final String CONTENT_TYPE = "application/cloudevents+json";

    private CloudEvents() {}

    public static ObjectNode toJson(StoredEvent stored) {
        Event event = stored.event();
        ObjectNode json = Json.object();
        json.put("specversion", "1.0");
        json.put("id", stored.id());
        json.put("source", "/projects/" + event.project());
        json.put("type", "dev.tidemill." + event.type());
        json.put("subject", event.subject());
        json.put("time", event.eventTime().orElse(stored.recordTime()).toString());
        json.put("recordedtime", stored.recordTime().toString());
        json.put("position", stored.position());
        json.put("project", event.project());
        json.put("actor", event.actor());
        event.cause().ifPresent(cause -> json.put("cause", cause));
        event.digest().ifPresent(digest -> json.put("digest", digest));
        json.put("datacontenttype", "application/json");
        json.set("data", Json.tree(event.data()));
        return json;
    }
}
