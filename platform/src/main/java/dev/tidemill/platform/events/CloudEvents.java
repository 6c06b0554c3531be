package dev.tidemill.platform.events;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.json.Json;

/** Events on the wire: CloudEvents 1.0 in structured JSON mode. */
public final class CloudEvents {
    /** Begins the types of events on the wire. */
    public static final String TYPE_PREFIX = "dev.tidemill.";

    public static final String CONTENT_TYPE = "application/cloudevents+json";

    private CloudEvents() {}

    public static ObjectNode toJson(StoredEvent stored) {
        Event event = stored.event();
        ObjectNode json = Json.object();
        json.put("specversion", "1.0");
        json.put("id", stored.id());
        json.put("source", event.project().isEmpty() ? "/server" : "/projects/" + event.project());
        json.put("type", TYPE_PREFIX + event.type());
        json.put("subject", event.subject());
        json.put("time", event.eventTime().orElse(stored.recordTime()).toString());
        json.put("recordedtime", stored.recordTime().toString());
        json.put("position", stored.position());
        if (!event.project().isEmpty()) {
            json.put("project", event.project());
        }
        json.put("actor", event.actor());
        Actor.userOf(event.actor()).ifPresent(user -> json.put("user", user));
        event.cause().ifPresent(cause -> json.put("cause", cause));
        event.digest().ifPresent(digest -> json.put("digest", digest));
        json.put("datacontenttype", "application/json");
        json.set("data", Json.tree(event.data()));
        return json;
    }
}
