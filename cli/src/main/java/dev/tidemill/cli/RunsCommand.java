package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill runs}: training runs, whoever has logged them. */
@Command(
        name = "runs",
        description = "Find, show, compare, tag, delete, download and reproduce training runs.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        subcommands = ReproduceCommand.class)
final class RunsCommand extends CommandGroup {
    private static final int PAGE = 1000;

    @Command(name = "list", description = "List runs, the newest first.", mixinStandardHelpOptions = true)
    int list(
            @Mixin Connection connection,
            @Option(names = "--filter", description = "Such as: metrics.loss < 0.2 AND params.depth = '4'") @Nullable
                    String filter,
            @Option(names = "--order", description = "Such as: metrics.loss ASC") List<String> order,
            @Option(names = "--experiment", paramLabel = "ID", description = "Only of these experiments")
                    List<String> experiments,
            @Option(names = "--deleted", description = "Those that are deleted") boolean deleted,
            @Option(names = "--limit", defaultValue = "20", description = "How many. Default: ${DEFAULT-VALUE}")
                    int limit) {
        Api api = connection.api();
        ObjectNode body = search(filter, order, experiments, deleted);
        ArrayNode runs = Api.JSON.createArrayNode();
        JsonNode page;
        do {
            body.put("limit", Math.min(PAGE, limit - runs.size()));
            page = api.post(api.in("/runs/search"), body);
            page.path("runs").forEach(runs::add);
            body.put("token", page.path("next").asText(""));
        } while (page.hasNonNull("next") && runs.size() < limit);
        if (connection.json()) {
            System.out.println(Api.object().set("runs", runs));
            return Exit.OK;
        }
        print(runs);
        return Exit.OK;
    }

    private static ObjectNode search(
            @Nullable String filter,
            @Nullable List<String> order,
            @Nullable List<String> experiments,
            boolean deleted) {
        ObjectNode body = Api.object().put("filter", filter == null ? "" : filter);
        ArrayNode orders = body.putArray("order");
        if (order != null) {
            order.forEach(orders::add);
        }
        ArrayNode ids = body.putArray("experiments");
        if (experiments != null) {
            experiments.forEach(ids::add);
        }
        return body.put("lifecycle", deleted ? "deleted" : "active");
    }

    /** A few metrics beside the run itself: those that most of the runs have. */
    private static void print(ArrayNode runs) {
        if (runs.isEmpty()) {
            System.err.println("No run matches.");
            return;
        }
        List<String> metrics = new ArrayList<>(names(runs, "metrics"))
                .subList(0, Math.min(4, names(runs, "metrics").size()));
        var headings = new ArrayList<>(List.of("run", "name", "status", "started"));
        headings.addAll(metrics);
        var table = new Columns(headings.toArray(String[]::new));
        for (JsonNode run : runs) {
            var row = new ArrayList<>(List.of(
                    run.path("id").asText(),
                    run.path("name").asText(),
                    run.path("status").asText().toLowerCase(java.util.Locale.ROOT),
                    run.path("startedAt").asText()));
            metrics.forEach(name -> row.add(run.path("metrics").path(name).asText("")));
            table.add(row);
        }
        table.print();
    }

    private static Set<String> names(Iterable<JsonNode> runs, String part) {
        var names = new LinkedHashSet<String>();
        runs.forEach(run -> run.path(part).fieldNames().forEachRemaining(names::add));
        return new TreeSet<>(names);
    }

    @Command(name = "show", description = "Show one run.", mixinStandardHelpOptions = true)
    int show(@Mixin Connection connection, @Parameters(paramLabel = "RUN") String id) {
        Api api = connection.api();
        JsonNode run = api.get(api.in("/runs/" + Api.encode(id)));
        if (connection.json()) {
            System.out.println(run);
            return Exit.OK;
        }
        for (String field : List.of("id", "name", "status", "user", "startedAt", "endedAt", "artifacts")) {
            if (!run.path(field).asText("").isEmpty()) {
                System.out.printf("%-10s %s%n", field, run.path(field).asText());
            }
        }
        for (String part : List.of("metrics", "params", "tags")) {
            if (!run.path(part).isEmpty()) {
                System.out.println(part);
                run.path(part)
                        .properties()
                        .forEach(entry -> System.out.printf(
                                "  %-28s %s%n", entry.getKey(), entry.getValue().asText()));
            }
        }
        return Exit.OK;
    }

    @Command(name = "compare", description = "Show in what runs differ.", mixinStandardHelpOptions = true)
    int compare(
            @Mixin Connection connection,
            @Option(names = "--all", description = "What is the same too") boolean all,
            @Parameters(paramLabel = "RUN", arity = "2..*") List<String> ids) {
        Api api = connection.api();
        ArrayNode runs = Api.JSON.createArrayNode();
        ids.forEach(id -> runs.add(api.get(api.in("/runs/" + Api.encode(id)))));
        ObjectNode differences = Api.object();
        for (String part : List.of("params", "metrics", "tags")) {
            for (String name : names(runs, part)) {
                ArrayNode values = Api.JSON.createArrayNode();
                runs.forEach(run -> values.add(run.path(part).path(name).asText("")));
                boolean same = new LinkedHashSet<>(values.valueStream()
                                        .map(JsonNode::asText)
                                        .toList())
                                .size()
                        == 1;
                if (all || !same) {
                    differences.withObject("/" + part).set(name, values);
                }
            }
        }
        if (connection.json()) {
            System.out.println(differences);
            return Exit.OK;
        }
        var headings = new ArrayList<>(List.of(""));
        runs.forEach(run -> headings.add(run.path("name").asText(run.path("id").asText())));
        var table = new Columns(headings.toArray(String[]::new));
        differences
                .properties()
                .forEach(part -> part.getValue().properties().forEach(entry -> {
                    var row = new ArrayList<>(List.of(part.getKey() + "." + entry.getKey()));
                    entry.getValue().forEach(value -> row.add(value.asText()));
                    table.add(row);
                }));
        table.print();
        return Exit.OK;
    }

    @Command(name = "tag", description = "Set a tag of runs, or remove it.", mixinStandardHelpOptions = true)
    int tag(
            @Mixin Connection connection,
            @Option(names = "--filter", description = "All runs that it finds") @Nullable String filter,
            @Option(names = "--remove", description = "Remove the tag") boolean remove,
            @Parameters(index = "0", paramLabel = "KEY=VALUE") String tag,
            @Parameters(index = "1..*", paramLabel = "RUN") List<String> ids) {
        int equal = tag.indexOf('=');
        if (!remove && equal < 1) {
            throw new CliException(Exit.USAGE, "'" + tag + "' is not KEY=VALUE");
        }
        ObjectNode body = Api.object()
                .put("action", remove ? "untag" : "tag")
                .put("name", equal < 0 ? tag : tag.substring(0, equal))
                .put("value", equal < 0 ? "" : tag.substring(equal + 1));
        return bulk(connection, body, filter, ids);
    }

    @Command(name = "delete", description = "Delete runs; they can be restored.", mixinStandardHelpOptions = true)
    int delete(
            @Mixin Connection connection,
            @Option(names = "--filter", description = "All runs that it finds") @Nullable String filter,
            @Parameters(paramLabel = "RUN", arity = "0..*") List<String> ids) {
        return bulk(connection, Api.object().put("action", "delete"), filter, ids);
    }

    @Command(name = "restore", description = "Restore deleted runs.", mixinStandardHelpOptions = true)
    int restore(@Mixin Connection connection, @Parameters(paramLabel = "RUN", arity = "1..*") List<String> ids) {
        return bulk(connection, Api.object().put("action", "restore"), null, ids);
    }

    @Command(
            name = "purge",
            description = "Remove for good what was deleted long ago, with its files.",
            mixinStandardHelpOptions = true)
    int purge(
            @Mixin Connection connection,
            @Option(
                            names = "--deleted-days",
                            paramLabel = "DAYS",
                            description = "Deleted at least so long ago; 0 keeps for ever, as in the setting")
                    @Nullable
                    Double days,
            @Option(names = "--all", description = "Everything that is deleted, however long ago") boolean all,
            @Option(names = "--dry-run", description = "Say how many") boolean dryRun) {
        if (all == (days != null)) {
            throw new CliException(Exit.USAGE, "Give --deleted-days DAYS, or --all");
        }
        Api api = connection.api();
        ObjectNode body = Api.object().put("dryRun", dryRun);
        JsonNode answer = api.post(api.in("/purge"), all ? body.put("all", true) : body.put("deletedDays", days));
        if (connection.json()) {
            System.out.println(answer);
        } else {
            System.err.println(answer.path("runs").asLong() + " runs and "
                    + answer.path("experiments").asLong() + " experiments "
                    + (dryRun ? "would be gone" : "are gone; their files follow after a day"));
        }
        return Exit.OK;
    }

    private static int bulk(
            Connection connection, ObjectNode body, @Nullable String filter, @Nullable List<String> ids) {
        List<String> given = ids == null ? List.of() : ids;
        boolean named = !given.isEmpty();
        if (named == (filter != null)) {
            throw new CliException(Exit.USAGE, "Name the runs, or give a --filter that finds them");
        }
        if (named) {
            ArrayNode runs = body.putArray("runs");
            given.forEach(runs::add);
        } else {
            body.put("filter", filter);
        }
        Api api = connection.api();
        JsonNode answer = api.post(api.in("/runs/bulk"), body);
        if (connection.json()) {
            System.out.println(answer);
        } else {
            System.err.println(answer.path("changed").asInt() + " runs changed");
        }
        return Exit.OK;
    }

    @Command(name = "download", description = "Download a run's artifacts.", mixinStandardHelpOptions = true)
    int download(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "RUN") String id,
            @Parameters(index = "1", arity = "0..1", paramLabel = "PATH", description = "A file or folder of them")
                    @Nullable
                    String path,
            @Option(names = "--to", paramLabel = "DIR", defaultValue = ".", description = "Where to. Default: here")
                    Path to)
            throws IOException {
        return Downloads.run(connection, id, path == null ? "" : path, to);
    }
}
