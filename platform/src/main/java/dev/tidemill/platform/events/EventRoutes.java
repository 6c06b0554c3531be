package dev.tidemill.platform.events;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.ServerSentEvents;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Transactions;
import io.javalin.http.Context;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Routes for the event log, its live stream, events from outside, and webhooks. */
public final class EventRoutes {
    private static final String PROJECT = "/api/tidemill/v1/projects/{project}";
    private static final int MAX_DATA = 100_000;
    /** Characters of all types that a webhook names. */
    private static final int MOST_TYPES = 4_000;

    private final EventLog log;
    private final Webhooks webhooks;
    private final Transactions transactions;

    public EventRoutes(EventLog log, Webhooks webhooks, Transactions transactions) {
        this.log = log;
        this.webhooks = webhooks;
        this.transactions = transactions;
    }

    public List<Route> routes() {
        var inbound = Access.project(Resource.EVENT, Action.WRITE);
        return List.of(
                Route.get(PROJECT + "/events", Access.project(Resource.EVENT, Action.READ), this::list)
                        .query("type", "subject", "user", "before", "limit"),
                Route.get(PROJECT + "/events/stream", Access.project(Resource.EVENT, Action.READ), this::stream)
                        .query("after"),
                Route.get(
                        "/api/tidemill/v1/event-types",
                        Access.signedIn(),
                        (context, caller) -> context.json(
                                Map.of("types", EventCatalogue.shipped().types()))),
                Route.get("/api/tidemill/v1/events", Access.server(Resource.EVENT, Action.READ), this::listOfServer)
                        .query("project", "type", "subject", "user", "before", "limit"),
                Route.post("/api/tidemill/v1/events", inbound, this::receive)
                        .project((context, principal) -> inboundProject(context))
                        .anyBody(),
                Route.get(PROJECT + "/webhooks", Access.project(Resource.WEBHOOK, Action.OPERATE), this::listWebhooks),
                Route.post(PROJECT + "/webhooks", Access.project(Resource.WEBHOOK, Action.OPERATE), this::create)
                        .fields("url", "types"),
                Route.delete(
                        PROJECT + "/webhooks/{webhook}",
                        Access.project(Resource.WEBHOOK, Action.OPERATE),
                        (context, caller) -> {
                            webhooks.delete(caller.project(), context.pathParam("webhook"));
                            context.status(204);
                        }));
    }

    private static String inboundProject(Context context) {
        String header = context.header("X-Tidemill-Project");
        return header == null ? "default" : header;
    }

    /** The newest events; {@code next} is there where others follow, and is the {@code before} that asks for them. */
    private void list(Context context, Caller caller) throws IOException {
        Optional<String> type = Requests.text(context, "type")
                .map(text -> EventCatalogue.shipped().beginningInProject("type", text));
        write(context, query(context, Optional.of(caller.project()), type));
    }

    /** The newest events of all projects and of none, of one project where it is named. */
    private void listOfServer(Context context, Caller caller) throws IOException {
        Optional<String> type = Requests.text(context, "type")
                .map(text -> EventCatalogue.shipped().beginning("type", text));
        Optional<String> project = Optional.ofNullable(context.queryParam("project"))
                .or(() -> type.filter(EventCatalogue.shipped()::isServerOnly).map(ofServer -> ""));
        write(context, query(context, project, type));
    }

    private static EventQuery query(Context context, Optional<String> project, Optional<String> type) {
        return new EventQuery(
                project,
                type.filter(beginning -> !beginning.isEmpty()),
                Requests.text(context, "subject"),
                Requests.text(context, "user"),
                Requests.number(context, "before"),
                Requests.limit(context, 100, 1000));
    }

    private void write(Context context, EventQuery query) throws IOException {
        var events = log.newest(query);
        ObjectNode json = Json.object();
        ArrayNode list = json.putArray("events");
        events.items().forEach(event -> list.add(Json.tree(CloudEvents.toJson(event))));
        if (events.more()) {
            json.put("next", events.items().getLast().position());
        }
        StreamedJson.write(context, json);
    }

    /** Live events of one project. The stream starts after {@code Last-Event-ID}, or now. */
    private void stream(Context context, Caller caller) throws IOException, InterruptedException {
        String last = context.header("Last-Event-ID");
        long position = last != null && last.matches("\\d{1,18}")
                ? Long.parseLong(last)
                : Requests.number(context, "after").orElseGet(log::latestPosition);
        try (var stream = ServerSentEvents.open(context, caller)) {
            follow(stream, position, caller);
        }
    }

    private void follow(ServerSentEvents stream, long from, Caller caller) throws IOException, InterruptedException {
        long position = from;
        stream.heartbeat();
        long quietSince = System.nanoTime();
        while (true) {
            List<StoredEvent> events = log.after(position, 200);
            for (StoredEvent event : events) {
                position = event.position();
                if (event.event().project().equals(caller.project())) {
                    stream.send(Long.toString(position), event.event().type(), Json.write(CloudEvents.toJson(event)));
                    quietSince = System.nanoTime();
                }
            }
            if (events.isEmpty()) {
                log.awaitAppend(Duration.ofSeconds(1));
                if (System.nanoTime() - quietSince > Duration.ofSeconds(10).toNanos()) {
                    stream.heartbeat();
                    quietSince = System.nanoTime();
                }
            }
        }
    }

    /** Takes a CloudEvent in structured or binary mode; the same source and id a second time changes nothing. */
    private void receive(Context context, Caller caller) {
        byte[] body = RequestBody.read(context);
        if (body.length > MAX_DATA) {
            throw TidemillException.invalid("data", "An event may have at most " + MAX_DATA + " bytes");
        }
        Body event = new Body(cloudEvent(context, body));
        if (!event.text("specversion").startsWith("1.")) {
            throw TidemillException.invalid("specversion", "Only CloudEvents 1.x are taken");
        }
        String id = bounded("id", event.text("id"), 300);
        String source = bounded("source", event.text("source"), 500);
        String type = bounded("type", event.text("type"), 100);
        Optional<String> subject = event.optionalText("subject").map(text -> bounded("subject", text, 280));
        boolean isNew = transactions.write(() -> {
            if (!log.rememberInbound(caller.project(), source, id)) {
                return false;
            }
            Event received = Event.of(
                    EventCatalogue.EXTERNAL + type,
                    caller.project(),
                    "external/" + subject.orElse(id),
                    caller.actor(),
                    Map.of("source", source, "id", id, "data", event.node().path("data")));
            log.append(event.optionalInstant("time").map(received::at).orElse(received));
            return true;
        });
        context.status(isNew ? 202 : 200).json(Map.of("accepted", isNew));
    }

    private static ObjectNode cloudEvent(Context context, byte[] body) {
        if (context.header("ce-specversion") == null) {
            return Json.parseObject(body);
        }
        ObjectNode event = Json.object();
        for (String attribute : List.of("specversion", "id", "source", "type", "subject", "time")) {
            Optional.ofNullable(context.header("ce-" + attribute)).ifPresent(value -> event.put(attribute, value));
        }
        if (body.length > 0) {
            event.set("data", Json.parseObject(body));
        }
        return event;
    }

    private static String bounded(String field, String text, int most) {
        if (text.isBlank() || text.length() > most) {
            throw TidemillException.invalid(field, "'" + field + "' must have 1 to " + most + " characters");
        }
        return text;
    }

    private void listWebhooks(Context context, Caller caller) {
        context.json(Map.of(
                "webhooks",
                webhooks.list(caller.project()).stream()
                        .map(webhook -> hideSecret(webhook))
                        .toList()));
    }

    private void create(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        List<String> types = body
                .optionalText("types")
                .filter(text -> !text.isBlank())
                .map(text -> bounded("types", text, MOST_TYPES))
                .stream()
                .flatMap(text -> java.util.Arrays.stream(text.split(",")))
                .map(String::strip)
                .filter(text -> !text.isEmpty())
                .map(text -> EventCatalogue.shipped().beginningInProject("types", text))
                .toList();
        // What begins with nothing is everything, for which a webhook names no type.
        context.status(201)
                .json(webhooks.create(
                        caller.project(),
                        bounded("url", body.text("url"), 2000),
                        types.contains("") ? List.of() : types));
    }

    private static ObjectNode hideSecret(Webhook webhook) {
        ObjectNode json = (ObjectNode) Json.tree(webhook);
        json.remove("secret");
        return json;
    }
}
