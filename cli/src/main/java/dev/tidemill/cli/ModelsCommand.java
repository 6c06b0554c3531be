package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill models}: the registry. */
@Command(
        name = "models",
        description = "List, show, tag and download registered models, and move their aliases.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class ModelsCommand extends CommandGroup {
    @Command(name = "list", description = "List models.", mixinStandardHelpOptions = true)
    int list(
            @Mixin Connection connection,
            @Option(names = "--find", description = "Words in name, description, tags or inputs") @Nullable
                    String find) {
        Api api = connection.api();
        var models = Api.JSON.createArrayNode();
        for (JsonNode model : api.all(api.in("/models"), "models")) {
            if (find == null
                    || model.toString()
                            .toLowerCase(java.util.Locale.ROOT)
                            .contains(find.toLowerCase(java.util.Locale.ROOT))) {
                models.add(model);
            }
        }
        if (connection.json()) {
            System.out.println(Api.object().set("models", models));
            return Exit.OK;
        }
        if (models.isEmpty()) {
            System.err.println("No model matches.");
            return Exit.OK;
        }
        var table = new Columns("model", "versions", "aliases", "task", "description");
        models.forEach(model -> table.add(List.of(
                model.path("name").asText(),
                model.path("versions").asText(),
                aliases(model.path("aliases")),
                model.path("tags").path("task").asText(""),
                model.path("description").asText(""))));
        table.print();
        return Exit.OK;
    }

    private static String aliases(JsonNode aliases) {
        var text = new StringBuilder();
        aliases.properties()
                .forEach(entry -> text.append(text.isEmpty() ? "" : " ")
                        .append(entry.getKey())
                        .append("=v")
                        .append(entry.getValue().asText()));
        return text.toString();
    }

    @Command(name = "show", description = "Show a model, or one of its versions.", mixinStandardHelpOptions = true)
    int show(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "MODEL") String name,
            @Parameters(index = "1", arity = "0..1", paramLabel = "VERSION|ALIAS") @Nullable String version) {
        Api api = connection.api();
        JsonNode model = api.get(api.in("/models/" + Api.encode(name)));
        JsonNode shown = version == null ? model : version(model, version);
        if (connection.json()) {
            System.out.println(shown);
            return Exit.OK;
        }
        if (version == null) {
            System.out.println(name
                    + (model.path("description").asText("").isEmpty()
                            ? ""
                            : ": " + model.path("description").asText()));
            var table = new Columns("version", "stage", "aliases", "files", "registered");
            model.path("versions")
                    .forEach(entry -> table.add(List.of(
                            entry.path("version").asText(),
                            entry.path("stage").asText().toLowerCase(java.util.Locale.ROOT),
                            aliasesOf(model, entry.path("version").asInt()),
                            safety(entry),
                            entry.path("createdAt").asText())));
            table.print();
        } else {
            System.out.println(shown.toPrettyString());
        }
        return Exit.OK;
    }

    private static String safety(JsonNode version) {
        if (!version.has("files")) {
            return version.hasNonNull("folder") ? "not looked at" : "elsewhere";
        }
        if (!version.path("held").isEmpty()) {
            return !version.path("trusted").asBoolean()
                    ? "held"
                    : version.path("trustedWithNetwork").asBoolean() ? "trusted, with network" : "trusted";
        }
        return "data only";
    }

    private static String aliasesOf(JsonNode model, int version) {
        var text = new StringBuilder();
        model.path("aliases").properties().forEach(entry -> {
            if (entry.getValue().asInt() == version) {
                text.append(text.isEmpty() ? "" : " ").append(entry.getKey());
            }
        });
        return text.toString();
    }

    private static JsonNode version(JsonNode model, String wanted) {
        String number = model.path("aliases").path(wanted).asText(wanted);
        for (JsonNode version : model.path("versions")) {
            if (version.path("version").asText().equals(number)) {
                return version;
            }
        }
        throw new CliException(
                Exit.NOT_FOUND, "Model '" + model.path("name").asText() + "' has no version or alias '" + wanted + "'");
    }

    @Command(
            name = "alias",
            description = "Point an alias at a version, or remove it.",
            mixinStandardHelpOptions = true)
    int alias(
            @Mixin Connection connection,
            @Option(
                            names = "--from",
                            paramLabel = "NUMBER",
                            description = "Only if it points there now; 0: if it is not there")
                    @Nullable
                    Integer from,
            @Option(names = "--remove", description = "Remove the alias") boolean remove,
            @Parameters(index = "0", paramLabel = "MODEL") String name,
            @Parameters(index = "1", paramLabel = "ALIAS") String alias,
            @Parameters(index = "2", arity = "0..1", paramLabel = "VERSION") @Nullable Integer version) {
        Api api = connection.api();
        String path = api.in("/models/" + Api.encode(name) + "/aliases/" + Api.encode(alias));
        if (remove) {
            api.delete(path);
            return Exit.OK;
        }
        if (version == null) {
            throw new CliException(Exit.USAGE, "Name the version that the alias shall point at");
        }
        JsonNode answer = api.put(
                path,
                Api.object().put("version", version),
                Optional.ofNullable(from).map(number -> "\"" + number + "\""));
        if (connection.json()) {
            System.out.println(answer);
        }
        return Exit.OK;
    }

    @Command(
            name = "trust",
            description = "Let the code in a version's folder run: its own modules, pickles beside the allow-list, and"
                    + " what its requirements name. 'show' tells why a version is held.",
            mixinStandardHelpOptions = true)
    int trust(
            @Mixin Connection connection,
            @Option(names = "--network", description = "Let that code use the network too") boolean network,
            @Option(names = "--withdraw", description = "Take trust back") boolean withdraw,
            @Parameters(index = "0", paramLabel = "MODEL/VERSION") String reference) {
        int slash = reference.lastIndexOf('/');
        if (slash < 1) {
            throw new CliException(Exit.USAGE, "'" + reference + "' is not MODEL/VERSION");
        }
        Api api = connection.api();
        String path = api.in("/models/" + Api.encode(reference.substring(0, slash)) + "/versions/"
                + Api.encode(reference.substring(slash + 1)) + "/trust");
        JsonNode answer;
        if (withdraw) {
            answer = api.delete(path);
        } else {
            answer = api.post(path, Api.object().put("network", network));
        }
        if (connection.json()) {
            System.out.println(answer);
        } else if (!withdraw) {
            answer.path("held").forEach(reason -> System.err.println("trusted: " + reason.asText()));
        }
        return Exit.OK;
    }

    @Command(
            name = "environments",
            description =
                    "Show the environments of Python models: on disk, in the making, failed, and how apart they run.",
            mixinStandardHelpOptions = true)
    int environments(
            @Mixin Connection connection,
            @Option(names = "--retry", paramLabel = "ID", description = "Let a failed build be tried again at once")
                    @Nullable
                    String retry) {
        Api api = connection.api();
        if (retry != null) {
            api.post("/api/tidemill/v1/python/environments/" + Api.encode(retry) + "/retry", Api.object());
        }
        JsonNode answer = api.get("/api/tidemill/v1/python");
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        System.out.println("isolation: " + answer.path("isolation").asText());
        var table = new Columns("environment", "state", "megabytes", "models", "since", "next try", "detail");
        answer.path("environments")
                .forEach(one -> table.add(List.of(
                        one.path("id").asText(),
                        one.path("state").asText(),
                        String.valueOf(one.path("bytes").asLong() >> 20),
                        one.path("model").asText().isEmpty()
                                ? one.path("users").asText()
                                : one.path("model").asText(),
                        one.path("since").asText(),
                        one.path("nextTry").asText(""),
                        one.path("detail").asText().lines().reduce("", (before, line) -> line))));
        table.print();
        answer.path("environments").forEach(ModelsCommand::printFailure);
        return Exit.OK;
    }

    /** All that the installer said last, which the table's one line cannot hold. */
    private static void printFailure(JsonNode environment) {
        String detail = environment.path("detail").asText().strip();
        if (detail.contains("\n")) {
            System.out.println("\n" + environment.path("id").asText() + ":\n"
                    + detail.indent(2).stripTrailing());
        }
    }

    @Command(name = "tag", description = "Set or remove tags and the description.", mixinStandardHelpOptions = true)
    int tag(
            @Mixin Connection connection,
            @Option(names = "--description") @Nullable String description,
            @Parameters(index = "0", paramLabel = "MODEL") String name,
            @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "An empty value removes the tag")
                    List<String> tags) {
        ObjectNode body = Api.object();
        if (description != null) {
            body.put("description", description);
        }
        ObjectNode values = body.putObject("tags");
        if (tags != null) {
            for (String tag : tags) {
                int equal = tag.indexOf('=');
                if (equal < 1) {
                    throw new CliException(Exit.USAGE, "'" + tag + "' is not KEY=VALUE");
                }
                values.put(tag.substring(0, equal), tag.substring(equal + 1));
            }
        }
        Api api = connection.api();
        JsonNode answer = api.post(api.in("/models/" + Api.encode(name)), body);
        if (connection.json()) {
            System.out.println(answer);
        }
        return Exit.OK;
    }

    @Command(name = "download", description = "Download a version's files.", mixinStandardHelpOptions = true)
    int download(
            @Mixin Connection connection,
            @Option(names = "--to", paramLabel = "DIR", defaultValue = ".", description = "Where to. Default: here")
                    Path to,
            @Parameters(index = "0", paramLabel = "MODEL") String name,
            @Parameters(index = "1", paramLabel = "VERSION|ALIAS") String version)
            throws IOException {
        Api api = connection.api();
        JsonNode found = version(api.get(api.in("/models/" + Api.encode(name))), version);
        if (!found.hasNonNull("folder")) {
            throw new CliException(
                    Exit.FAILURE,
                    "Its files are kept elsewhere, at " + found.path("source").asText());
        }
        String folder = "/folders/" + found.path("folder").asText();
        var sources = new TreeMap<String, Downloads.Source>();
        api.get(api.in(folder))
                .path("files")
                .forEach(file -> sources.put(
                        file.path("path").asText(),
                        new Downloads.Source(
                                api.in(folder + "/"
                                        + Downloads.encoded(file.path("path").asText())),
                                file.path("size").asLong(-1))));
        return Downloads.fetch(connection, sources, to);
    }
}
