package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tidemill status}. */
@Command(
        name = "status",
        description = "Show deployments, models and the newest runs of a project.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Override
    public Integer call() {
        Api api = connection.api();
        ObjectNode status = Api.object();
        status.set("deployments", api.get(api.in("/deployments")).path("deployments"));
        status.set("models", api.all(api.in("/models"), "models"));
        status.set("runs", api.get(api.in("/pipeline-runs?limit=10")).path("runs"));
        status.set("server", api.get("/api/tidemill/v1/server"));
        ArrayNode watched = status.putArray("monitoring");
        status.path("deployments").forEach(entry -> {
            String name = entry.path("deployment").path("name").asText();
            ObjectNode found = watched.addObject().put("deployment", name);
            found.setAll((ObjectNode) api.get(api.in("/deployments/" + Api.encode(name) + "/monitoring")));
        });
        if (connection.json()) {
            System.out.println(status);
            return Exit.OK;
        }
        print("deployment", status.path("deployments"), entry -> {
            JsonNode deployment = entry.path("deployment");
            return String.format(
                    Locale.ROOT,
                    "%-24s champion %s  challenger %s  %s  %.1f requests/s, p99 %.0f us%s",
                    deployment.path("name").asText(),
                    version(deployment.path("champion")),
                    version(deployment.path("challenger")),
                    deployment.path("phase").asText().toLowerCase(Locale.ROOT),
                    entry.path("live").path("perSecond").asDouble(),
                    entry.path("live").path("p99Micros").asDouble(),
                    lost(entry) + problem(entry.path("serving")));
        });
        print(
                "model",
                status.path("models"),
                model -> String.format(
                        Locale.ROOT,
                        "%-24s %s versions, aliases %s",
                        model.path("name").asText(),
                        model.path("versions").asText(),
                        model.path("aliases")));
        print(
                "run",
                status.path("runs"),
                run -> String.format(
                        Locale.ROOT,
                        "%s %-16s %-10s %s",
                        run.path("id").asText(),
                        run.path("pipeline").asText(),
                        run.path("state").asText().toLowerCase(Locale.ROOT),
                        run.path("createdAt").asText()));
        watched.forEach(StatusCommand::warn);
        warnOfJournal(status.path("server").path("journal"));
        status.path("server").path("failingLoops").forEach(StatusCommand::warnOfLoop);
        System.out.println("kept");
        status.path("server")
                .path("kept")
                .forEach(entry -> System.out.printf(
                        Locale.ROOT,
                        "  %-24s %s, %s%n",
                        entry.path("name").asText(),
                        entry.has("entries") ? "about " + entry.path("entries").asLong() : "not counted yet",
                        kept(entry)));
        storage(
                status.path("server").path("storage"),
                status.path("server").path("storageMeasuredAt").asText());
        return Exit.OK;
    }

    private static String version(JsonNode number) {
        return number.isInt() ? "v" + number.asInt() : "none";
    }

    private static String kept(JsonNode entry) {
        String most = entry.has("keepEntries")
                ? ", at most " + entry.path("keepEntries").asLong()
                : "";
        int days = entry.path("keepDays").asInt();
        return (!entry.has("keepDays")
                        ? "kept for ever"
                        : days == 0 ? "kept until they expire" : "kept " + days + " days")
                + most;
    }

    /** What a deployment's monitoring could not take into account. */
    private static void warn(JsonNode watched) {
        String name = watched.path("deployment").asText();
        JsonNode state = watched.path("state");
        watched.path("obstacles").forEach(obstacle -> {
            if (obstacle.path("actionNeeded").asBoolean()) {
                System.out.println("warning: " + name + ": "
                        + obstacle.path("reason").asText() + ". " + WhyCommand.sentence(obstacle, "remedy"));
            }
        });
        if (state.path("lateLabels").asLong() > 0) {
            System.out.println("warning: " + state.path("lateLabels").asLong() + " labels of " + name
                    + " came later than its monitor's label-delay, and count in nothing");
        }
    }

    private static void warnOfJournal(JsonNode journal) {
        long files = journal.path("unreadableFiles").asLong();
        if (files > 0) {
            System.out.println(
                    "warning: " + files + " files of waiting predictions could not be read as a whole; they are"
                            + " kept as *.unreadable in the data directory's folder 'journal'");
        }
    }

    private static void warnOfLoop(JsonNode loop) {
        System.out.println("warning: work in the background fails since "
                + loop.path("failingSince").asText() + ", '" + loop.path("name").asText() + "': "
                + loop.path("reason").asText());
    }

    private static void storage(JsonNode sizes, String measuredAt) {
        var line = new StringBuilder();
        sizes.properties().stream()
                .filter(part -> part.getValue().asLong() > 0)
                .sorted(java.util.Comparator.comparingLong(
                        part -> -part.getValue().asLong()))
                .forEach(part -> line.append(line.isEmpty() ? "" : ", ")
                        .append(part.getKey())
                        .append(' ')
                        .append(Columns.bytes(part.getValue().asLong())));
        System.out.println("storage\n  " + (line.isEmpty() ? "not measured yet" : line + ", as of " + measuredAt));
    }

    private static String problem(JsonNode serving) {
        String reason = serving.path("reason").asText();
        return reason.isEmpty()
                ? ""
                : "\n    "
                        + serving.path("state")
                                .asText()
                                .toLowerCase(Locale.ROOT)
                                .replace('_', ' ') + ": " + reason
                        + serving.path("retryAt")
                                .asText("")
                                .transform(at -> at.isEmpty() ? "" : "; tried again at " + at);
    }

    private static void print(String what, JsonNode entries, java.util.function.Function<JsonNode, String> line) {
        System.out.println(what + "s");
        if (entries.isEmpty()) {
            System.out.println("  none yet");
        }
        entries.forEach(entry -> System.out.println("  " + line.apply(entry)));
    }

    private static String lost(JsonNode deployment) {
        long dropped = deployment.path("journal").path("dropped").asLong();
        String reason = deployment.path("journal").path("dropReason").asText();
        return dropped == 0
                ? ""
                : ", " + dropped + " predictions lost since the start" + (reason.isEmpty() ? "" : " (" + reason + ")");
    }
}
