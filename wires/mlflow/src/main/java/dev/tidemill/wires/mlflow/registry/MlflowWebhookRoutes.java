package dev.tidemill.wires.mlflow.registry;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Webhook;
import dev.tidemill.platform.events.Webhooks;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Page;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** MLflow's routes for webhooks. */
public final class MlflowWebhookRoutes {
    private static final String ONE = "/{webhook}";
    private static final int MOST = 1000;
    private static final String NAME_FORM = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?";

    private final Webhooks webhooks;

    public MlflowWebhookRoutes(Webhooks webhooks) {
        this.webhooks = webhooks;
    }

    public List<Route> routes() {
        var access = Access.project(Resource.WEBHOOK, Action.OPERATE);
        return new MlflowWireRoutes("/2.0/mlflow/webhooks")
                .post("", access, this::create)
                .get("", access, this::list)
                .get(ONE, access, (request, caller) -> one(find(request, caller)))
                .patch(ONE, access, this::update)
                .delete(ONE, access, (request, caller) -> {
                    webhooks.delete(caller.project(), find(request, caller).id());
                    return Json.object();
                })
                .post(ONE + "/test", access, this::test)
                .routes();
    }

    private Webhook find(MlflowRequest request, Caller caller) {
        String id = request.path("webhook");
        return webhooks.list(caller.project()).stream()
                .filter(webhook -> webhook.id().equals(id) && webhook.format().equals(MlflowWebhookFormat.NAME))
                .findFirst()
                .orElseThrow(() -> new TidemillException(ErrorCode.NOT_FOUND, "Webhook with ID " + id + " not found."));
    }

    private static ObjectNode one(Webhook webhook) {
        ObjectNode json = Json.object();
        json.set("webhook", write(webhook));
        return json;
    }

    private static ObjectNode write(Webhook webhook) {
        ObjectNode json = Json.object()
                .put("webhook_id", webhook.id())
                .put("name", webhook.name())
                .put("url", webhook.url());
        if (!webhook.description().isEmpty()) {
            json.put("description", webhook.description());
        }
        webhook.types()
                .forEach(type -> json.withArray("events")
                        .addObject()
                        .put("entity", type.substring(0, type.indexOf('.')))
                        .put("action", type.substring(type.indexOf('.') + 1)));
        return json.put("status", webhook.active() ? "ACTIVE" : "DISABLED")
                .put("creation_timestamp", webhook.createdAt().toEpochMilli())
                .put("last_updated_timestamp", webhook.updatedAt().toEpochMilli());
    }

    private static String name(String text) {
        if (!text.matches(NAME_FORM)) {
            throw TidemillException.invalid(
                    "name",
                    "Webhook name '" + text.replace("\n", "\\n")
                            + "' is invalid. It must start and end with a letter or digit, be less than"
                            + " 63 characters long, and contain only letters, digits, dots (.), underscores (_), and"
                            + " hyphens (-).");
        }
        return text;
    }

    private static List<String> types(MlflowRequest request) {
        var types = new TreeSet<String>();
        for (MlflowRequest event : request.messages("events")) {
            types.add(type(event));
        }
        return List.copyOf(types);
    }

    private static String type(MlflowRequest event) {
        String type = event.text("entity") + "." + event.text("action");
        if (!MlflowWebhookFormat.EVENTS.containsKey(type)) {
            throw TidemillException.invalid(
                    "events",
                    "Invalid action '" + event.text("action").toLowerCase(java.util.Locale.ROOT) + "' for entity '"
                            + event.text("entity").toLowerCase(java.util.Locale.ROOT) + "'. Valid actions are: "
                            + actions(event.text("entity")));
        }
        return type;
    }

    private static List<String> actions(String entity) {
        return MlflowWebhookFormat.EVENTS.keySet().stream()
                .filter(known -> known.startsWith(entity + "."))
                .map(known -> "'" + known.substring(entity.length() + 1).toLowerCase(java.util.Locale.ROOT) + "'")
                .sorted()
                .toList();
    }

    /** Refuses, in MLflow's words, what is no address of a receiver. */
    private static String url(String text) {
        if (text.isBlank()) {
            throw TidemillException.invalid("url", "Webhook URL cannot be empty or just whitespace: '" + text + "'");
        }
        if (text.matches("(?i)https?:/*")) {
            throw TidemillException.invalid("url", "Webhook URL must include a hostname: '" + text + "'");
        }
        URI url;
        try {
            url = new URI(text);
        } catch (URISyntaxException e) {
            throw TidemillException.invalid("url", "Invalid webhook URL '" + text + "': " + e.getReason())
                    .causedBy(e);
        }
        String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(java.util.Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw TidemillException.invalid(
                    "url", "Invalid webhook URL scheme: '" + scheme + "'. Allowed schemes are: http, https.");
        }
        if (url.getHost() == null) {
            throw TidemillException.invalid("url", "Webhook URL must include a hostname: '" + text + "'");
        }
        return text;
    }

    private static Optional<Boolean> active(MlflowRequest request) {
        return request.optionalText("status").map(status -> {
            if (!status.equals("ACTIVE") && !status.equals("DISABLED")) {
                throw TidemillException.invalid("status", "'" + status + "' is neither ACTIVE nor DISABLED");
            }
            return status.equals("ACTIVE");
        });
    }

    private ObjectNode create(MlflowRequest request, Caller caller) {
        List<String> types = types(request);
        if (types.isEmpty()) {
            throw request.tells("events")
                    ? TidemillException.invalid(
                            "events", "Webhook events must be a non-empty list of WebhookEvent objects: [].")
                    : MlflowRequest.missing("events");
        }
        return one(webhooks.create(
                caller.project(),
                MlflowWebhookFormat.NAME,
                new Webhook.Settings(
                        name(request.text("name")),
                        request.anyText("description"),
                        url(request.text("url")),
                        request.optionalText("secret").orElseGet(Ids::secret),
                        types,
                        active(request).orElse(true))));
    }

    private ObjectNode update(MlflowRequest request, Caller caller) {
        Webhook.Settings before = find(request, caller).settings();
        List<String> types = types(request);
        return one(webhooks.change(
                caller.project(),
                request.path("webhook"),
                new Webhook.Settings(
                        request.optionalText("name")
                                .map(MlflowWebhookRoutes::name)
                                .orElse(before.name()),
                        request.tells("description") ? request.anyText("description") : before.description(),
                        request.optionalText("url")
                                .map(MlflowWebhookRoutes::url)
                                .orElse(before.url()),
                        request.optionalText("secret").orElse(before.secret()),
                        types.isEmpty() ? before.types() : types,
                        active(request).orElse(before.active()))));
    }

    private ObjectNode list(MlflowRequest request, Caller caller) {
        long size =
                request.optionalWhole("max_results").filter(asked -> asked != 0).orElse(100L);
        if (size < 1 || size > MOST) {
            throw TidemillException.invalid("max_results", "max_results must be between 1 and " + MOST + ".");
        }
        long offset = Page.offset(request.optionalText("page_token"));
        // The newest first, as MLflow lists them.
        var own = new ArrayList<>(webhooks.list(caller.project()).reversed());
        own.removeIf(webhook -> !webhook.format().equals(MlflowWebhookFormat.NAME));
        var page = Page.cut(own.subList((int) Math.min(offset, own.size()), own.size()), offset, (int) size);
        ObjectNode json = Json.object();
        page.items().forEach(webhook -> json.withArray("webhooks").add(write(webhook)));
        page.next().ifPresent(token -> json.put("next_page_token", token));
        return json;
    }

    private ObjectNode test(MlflowRequest request, Caller caller) {
        Webhook webhook = find(request, caller);
        String type = request.node("event").isObject()
                ? type(request.message("event"))
                : webhook.types().getFirst();
        ObjectNode json = Json.object();
        ObjectNode result = json.putObject("result");
        try {
            var example = java.util.Objects.requireNonNull(MlflowWebhookFormat.EVENTS.get(type));
            int status = webhooks.send(
                    webhook,
                    MlflowWebhookFormat.message(type, example, Clock.systemUTC().instant()));
            result.put("success", status >= 200 && status < 300).put("response_status", status);
        } catch (TidemillException e) {
            result.put("success", false).put("error_message", e.message());
        }
        return json;
    }
}
