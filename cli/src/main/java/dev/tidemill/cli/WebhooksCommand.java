package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill webhooks}: where a project's events are sent. */
@Command(
        name = "webhooks",
        description =
                "List, create and delete webhooks, to which a project's events are sent, and list the types of events.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class WebhooksCommand extends CommandGroup {
    @Command(name = "list", description = "List webhooks, and how they fare.", mixinStandardHelpOptions = true)
    int list(@Mixin Connection connection) {
        Api api = connection.api();
        JsonNode answer = api.get(api.in("/webhooks"));
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        if (answer.path("webhooks").isEmpty()) {
            System.err.println("There is no webhook.");
            return Exit.OK;
        }
        var table = new Columns("webhook", "address", "events", "delivered", "given up", "state");
        answer.path("webhooks")
                .forEach(webhook -> table.add(List.of(
                        webhook.path("id").asText(),
                        webhook.path("url").asText(),
                        webhook.path("types").isEmpty()
                                ? "all"
                                : String.join(
                                        ",",
                                        webhook.path("types")
                                                .valueStream()
                                                .map(JsonNode::asText)
                                                .toList()),
                        webhook.path("delivered").asText(),
                        webhook.path("givenUp").asText(),
                        state(webhook))));
        table.print();
        return Exit.OK;
    }

    private static String state(JsonNode webhook) {
        if (webhook.hasNonNull("broken")) {
            return webhook.path("broken").asText();
        }
        if (!webhook.path("active").asBoolean()) {
            return "not active";
        }
        return webhook.path("attempts").asInt() > 0
                ? "failed " + webhook.path("attempts").asText() + " times: "
                        + webhook.path("lastFailure").asText()
                : "active";
    }

    @Command(
            name = "create",
            description = "Send events from now on to an address. The secret that signs them is printed this once.",
            mixinStandardHelpOptions = true)
    int create(
            @Mixin Connection connection,
            @Option(
                            names = "--events",
                            paramLabel = "TYPE,...",
                            description =
                                    "How the types of events begin, such as deployment. or model. (see 'types'); default: all")
                    @Nullable
                    String types,
            @Parameters(index = "0", paramLabel = "URL") String url) {
        Api api = connection.api();
        var body = Api.object().put("url", url);
        if (types != null) {
            body.put("types", types);
        }
        JsonNode answer = api.post(api.in("/webhooks"), body);
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        System.out.println("webhook: " + answer.path("id").asText());
        System.out.println("secret:  " + answer.path("secret").asText());
        System.err.println("Keep the secret: it is not shown again.");
        return Exit.OK;
    }

    @Command(
            name = "types",
            description = "List the types of events, and when each is told.",
            mixinStandardHelpOptions = true)
    int types(@Mixin Connection connection) {
        JsonNode answer = connection.api().get("/api/tidemill/v1/event-types");
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        var table = new Columns("type", "subject", "told when");
        answer.path("types")
                .forEach(type -> table.add(List.of(
                        type.path("type").asText(),
                        type.path("subject").asText(),
                        type.path("when").asText())));
        table.print();
        return Exit.OK;
    }

    @Command(name = "delete", description = "Delete a webhook.", mixinStandardHelpOptions = true)
    int delete(@Mixin Connection connection, @Parameters(index = "0", paramLabel = "WEBHOOK") String id) {
        Api api = connection.api();
        api.delete(api.in("/webhooks/" + Api.encode(id)));
        return Exit.OK;
    }
}
