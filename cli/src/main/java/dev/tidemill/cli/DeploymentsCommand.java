package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill deployments}: what an operator decides by hand about what is served. */
@Command(
        name = "deployments",
        description = "List deployments and their decisions; promote, reject, roll back, label and delete.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tidemill deployments roll-back bikes 3          version 3 answers again",
            "  tidemill deployments label bikes --file labels.csv"
        })
final class DeploymentsCommand extends CommandGroup {
    private static final int BATCH = 1_000;

    private static String path(Api api, String name, String below) {
        return api.in("/deployments/" + Api.encode(name) + below);
    }

    @Command(name = "list", description = "List the deployments.", mixinStandardHelpOptions = true)
    int list(@Mixin Connection connection) {
        Api api = connection.api();
        JsonNode answer = api.get(api.in("/deployments"));
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        if (answer.path("deployments").isEmpty()) {
            System.err.println("There is no deployment. 'tidemill init' makes a project with one.");
            return Exit.OK;
        }
        var table = new Columns("deployment", "model", "champion", "challenger", "phase", "serving");
        answer.path("deployments").forEach(entry -> {
            JsonNode deployment = entry.path("deployment");
            table.add(List.of(
                    deployment.path("name").asText(),
                    deployment.path("definition").path("model").asText(),
                    version(deployment.path("champion")),
                    version(deployment.path("challenger")),
                    deployment.path("phase").asText().toLowerCase(Locale.ROOT),
                    entry.path("serving").path("state").asText().toLowerCase(Locale.ROOT)));
        });
        table.print();
        return Exit.OK;
    }

    private static String version(JsonNode number) {
        return number.isNumber() ? "v" + number.asText() : "none";
    }

    @Command(
            name = "decisions",
            description = "List what was decided about a deployment, the newest first.",
            mixinStandardHelpOptions = true)
    int decisions(
            @Mixin Connection connection,
            @Option(names = "--limit", description = "At most so many. Default: 20") @Nullable Integer limit,
            @Parameters(paramLabel = "DEPLOYMENT") String name) {
        Api api = connection.api();
        JsonNode answer = api.get(path(api, name, "/decisions?limit=" + (limit == null ? 20 : limit)));
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        var table = new Columns("event time", "decided", "decision", "version", "by", "why");
        answer.path("decisions")
                .forEach(decision -> table.add(List.of(
                        decision.path("at").asText("-"),
                        decision.path("recordedAt").asText(),
                        decision.path("action").asText().toLowerCase(Locale.ROOT),
                        "v" + decision.path("version").asText(),
                        decision.path("actor").asText(),
                        decision.path("reason").asText())));
        table.print();
        return Exit.OK;
    }

    @Command(
            name = "promote",
            description = "Make the challenger the champion now, whatever its trial has shown.",
            mixinStandardHelpOptions = true)
    int promote(@Mixin Connection connection, @Parameters(paramLabel = "DEPLOYMENT") String name) {
        return decide(connection, name, "/promote", Api.object());
    }

    @Command(name = "reject", description = "End the challenger's trial.", mixinStandardHelpOptions = true)
    int reject(@Mixin Connection connection, @Parameters(paramLabel = "DEPLOYMENT") String name) {
        return decide(connection, name, "/reject", Api.object());
    }

    @Command(
            name = "roll-back",
            description = "Let a version that is registered answer, at once.",
            mixinStandardHelpOptions = true)
    int rollBack(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "DEPLOYMENT") String name,
            @Parameters(index = "1", paramLabel = "VERSION") int version) {
        return decide(connection, name, "/roll-back", Api.object().put("version", version));
    }

    private static int decide(Connection connection, String name, String what, ObjectNode body) {
        Api api = connection.api();
        JsonNode deployment = api.post(path(api, name, what), body);
        System.out.println(
                connection.json()
                        ? deployment.toString()
                        : "'" + name + "' is answered by " + version(deployment.path("champion")) + "; challenger "
                                + version(deployment.path("challenger")));
        return Exit.OK;
    }

    @Command(
            name = "label",
            description = "Send what has come true: labels of predictions by their ids.",
            mixinStandardHelpOptions = true)
    int label(
            @Mixin Connection connection,
            @Option(names = "--file", paramLabel = "CSV", description = "Rows with the columns id and label (or value)")
                    @Nullable
                    Path file,
            @Parameters(index = "0", paramLabel = "DEPLOYMENT") String name,
            @Parameters(index = "1..*", arity = "0..*", paramLabel = "ID=LABEL") @Nullable List<String> pairs)
            throws IOException {
        ArrayNode labels = Api.JSON.createArrayNode();
        for (String pair : pairs == null ? List.<String>of() : pairs) {
            int at = pair.lastIndexOf('=');
            if (at < 1) {
                throw new CliException(Exit.USAGE, "'" + pair + "' is not ID=LABEL");
            }
            labels.addObject().put("id", pair.substring(0, at)).put("value", pair.substring(at + 1));
        }
        if (file != null) {
            for (Map<String, String> row : Csv.read(file)) {
                labels.addObject().put("id", row.get("id")).put("value", row.get(labelColumn(file, row)));
            }
        }
        if (labels.isEmpty()) {
            throw new CliException(Exit.USAGE, "Name labels as ID=LABEL, or a --file of them");
        }
        return send(connection, name, labels);
    }

    /** The column of a file of labels that holds them: {@code label}, or {@code value} as requests call it. */
    static String labelColumn(Path file, Map<String, String> row) {
        List<String> named =
                Stream.of("label", "value").filter(row::containsKey).toList();
        if (!row.containsKey("id") || named.size() != 1) {
            throw new CliException(
                    Exit.FAILURE,
                    file + " must have the columns id and label (or value, not both); it has "
                            + String.join(", ", row.keySet()));
        }
        return named.getFirst();
    }

    private static int send(Connection connection, String name, ArrayNode labels) {
        Api api = connection.api();
        var sums = Api.object();
        var unknown = new ArrayList<String>();
        ArrayNode refused = Api.object().putArray("refused");
        for (int from = 0; from < labels.size(); from += BATCH) {
            ObjectNode body = Api.object();
            ArrayNode part = body.putArray("labels");
            for (int i = from; i < Math.min(labels.size(), from + BATCH); i++) {
                part.add(labels.get(i));
            }
            JsonNode answer = api.post(path(api, name, "/labels"), body);
            for (String count : List.of("accepted", "corrected", "repeated", "late")) {
                sums.put(count, sums.path(count).asLong() + answer.path(count).asLong());
            }
            answer.path("unknown").forEach(id -> unknown.add(id.asText()));
            answer.path("refused").forEach(one -> {
                refused.add(one);
                System.err.println(
                        one.path("id").asText() + ": " + one.path("reason").asText());
            });
        }
        if (connection.json()) {
            unknown.forEach(sums.putArray("unknown")::add);
            sums.set("refused", refused);
            System.out.println(sums);
        } else {
            System.out.println(sums.path("accepted").asLong() + " accepted, "
                    + sums.path("corrected").asLong() + " corrected, "
                    + sums.path("repeated").asLong() + " repeated, "
                    + sums.path("late").asLong() + " late, "
                    + unknown.size() + " of unknown predictions, "
                    + refused.size() + " refused");
            unknown.stream().limit(10).forEach(id -> System.err.println("there is no prediction '" + id + "'"));
        }
        return unknown.isEmpty() && refused.isEmpty() ? Exit.OK : Exit.INCOMPLETE;
    }

    @Command(
            name = "delete",
            description = "Stop serving and forget a deployment, with its journal and windows.",
            mixinStandardHelpOptions = true)
    int delete(@Mixin Connection connection, @Parameters(paramLabel = "DEPLOYMENT") String name) {
        Api api = connection.api();
        api.delete(path(api, name, ""));
        System.err.println("Deleted the deployment '" + name + "'.");
        return Exit.OK;
    }
}
