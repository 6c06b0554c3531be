package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemill events}: who did what, and what was refused. */
@Command(
        name = "events",
        description = "List what has happened and who did it, and what the server has refused.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tidemill events list --type model. --user ada",
            "  tidemill events list --all-projects --all --json > events.jsonl",
            "  tidemill events refusals --user bob"
        })
final class EventsCommand extends CommandGroup {
    private static final String V1 = "/api/tidemill/v1";
    private static final int PAGE = 1000;

    /** How much of a list is wanted. */
    static final class Extent {
        @Option(names = "--limit", defaultValue = "50", description = "How many. Default: ${DEFAULT-VALUE}")
        private int limit;

        @Option(names = "--all", description = "Everything that is kept")
        private boolean all;

        @Option(names = "--before", paramLabel = "POSITION", description = "Only what stands before this position")
        private @Nullable Long before;

        /** Hands on the items of a list page by page, the newest first. */
        void read(Api api, String path, String query, String list, Consumer<JsonNode> item) {
            if (limit < 1) {
                throw new CliException(Exit.USAGE, "--limit is " + limit + ", and must be 1 at least");
            }
            long left = all ? Long.MAX_VALUE : limit;
            String from = before == null ? "" : "&before=" + before;
            while (left > 0) {
                JsonNode page = api.get(path + "?limit=" + Math.min(PAGE, left) + query + from);
                page.path(list).forEach(item);
                left -= page.path(list).size();
                if (!page.hasNonNull("next")) {
                    return;
                }
                from = "&before=" + page.path("next").asText();
            }
        }
    }

    @Command(
            name = "list",
            description = "List events of the project, the newest first; with --json each as a line of its own.",
            mixinStandardHelpOptions = true)
    int list(
            @Mixin Connection connection,
            @Mixin Extent extent,
            @Option(
                            names = "--all-projects",
                            description =
                                    "Of all projects and of the server itself, such as of users; for its administrators")
                    boolean allProjects,
            @Option(names = "--type", paramLabel = "TYPE", description = "How types begin, such as model.") @Nullable
                    String type,
            @Option(
                            names = "--subject",
                            paramLabel = "SUBJECT",
                            description = "How subjects begin, such as model/churn")
                    @Nullable
                    String subject,
            @Option(names = "--user", paramLabel = "NAME", description = "What a user did, signed in or by a token")
                    @Nullable
                    String user) {
        Api api = connection.api();
        String query = given("type", type) + given("subject", subject) + given("user", user);
        String path = allProjects ? V1 + "/events" : api.in("/events");
        var table = new Columns("recorded", "project", "event", "subject", "by");
        extent.read(api, path, query, "events", event -> {
            if (connection.json()) {
                System.out.println(event);
                return;
            }
            table.add(List.of(
                    event.path("recordedtime").asText(),
                    event.path("project").asText("-"),
                    event.path("type").asText().replaceFirst("^dev\\.tidemill\\.", ""),
                    event.path("subject").asText(),
                    event.path("actor").asText()));
        });
        return printed(connection, table, "No event matches.");
    }

    @Command(
            name = "refusals",
            description = "List requests that were refused, the newest first, for administrators of the server: without"
                    + " valid credentials, or by somebody who may not. With --json each is a line of its own.",
            mixinStandardHelpOptions = true)
    int refusals(
            @Mixin Connection connection,
            @Mixin Extent extent,
            @Option(names = "--user", paramLabel = "NAME", description = "Of a user, signed in or by a token") @Nullable
                    String user,
            @Option(names = "--address", paramLabel = "IP", description = "From one address") @Nullable String address,
            @Option(
                            names = "--code",
                            paramLabel = "CODE",
                            description = "UNAUTHENTICATED, PERMISSION_DENIED or FORBIDDEN_ORIGIN")
                    @Nullable
                    String code) {
        String query = given("user", user) + given("address", address) + given("code", code);
        var table = new Columns("time", "by", "from", "request", "code", "times");
        extent.read(connection.api(), V1 + "/refusals", query, "refusals", refusal -> {
            if (connection.json()) {
                System.out.println(refusal);
                return;
            }
            table.add(List.of(
                    refusal.path("time").asText(),
                    refusal.path("actor").asText(),
                    refusal.path("address").asText(),
                    refusal.path("method").asText() + " " + refusal.path("path").asText(),
                    refusal.path("code").asText(),
                    refusal.path("times").asText()));
        });
        return printed(connection, table, "No refusal matches.");
    }

    private static String given(String parameter, @Nullable String value) {
        return value == null ? "" : "&" + parameter + "=" + Api.encode(value);
    }

    private static int printed(Connection connection, Columns table, String none) {
        if (connection.json()) {
            return Exit.OK;
        }
        if (table.isEmpty()) {
            System.err.println(none);
            return Exit.OK;
        }
        table.print();
        return Exit.OK;
    }
}
