package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill logs}. */
@Command(
        name = "logs",
        description = "Print the logs of a run's steps.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  tidemill logs 01a22292-3c58-7d3a-9c40-2f6d1f0a5b77 -f --step trial.0"})
final class LogsCommand implements Callable<Integer> {
    /** Characters of a whole id. */
    private static final int ID = 36;
    /** Runs among which a beginning is looked for: as many as a server tells at once. */
    private static final int NEWEST = 500;

    private static final int LINE_BYTES = 16 << 20;

    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "RUN", description = "Id of the run, or what only it begins with")
    private String run = "";

    @Option(names = "--step", paramLabel = "NAME", description = "Only this step")
    private @Nullable String step;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the steps have ended")
    private boolean follow;

    @Override
    public Integer call() throws IOException {
        Api api = connection.api();
        String path = api.in("/pipeline-runs/" + Api.encode(whole(api)));
        for (JsonNode entry : inTurn(api.get(path).path("steps"))) {
            String name = entry.path("name").asText();
            if (step == null || step.equals(name)) {
                String log = path + "/steps/" + Api.encode(name) + "/log";
                if (follow) {
                    follow(api, name, log + "/stream");
                } else {
                    all(api, name, log);
                }
            }
        }
        return Exit.OK;
    }

    /** The id of the run that is meant, by its beginning among the newest; as it is where it may be whole. */
    private String whole(Api api) {
        if (run.isEmpty() || run.length() >= ID) {
            return run;
        }
        List<String> meant = api.get(api.in("/pipeline-runs?limit=" + NEWEST))
                .path("runs")
                .valueStream()
                .map(one -> one.path("id").asText())
                .filter(id -> id.startsWith(run))
                .toList();
        if (meant.isEmpty()) {
            throw new CliException(
                    Exit.NOT_FOUND,
                    "None of the newest " + NEWEST + " runs of pipelines has an id that begins with '" + run
                            + "'; 'tidemill status' shows the newest ten");
        }
        if (meant.size() > 1) {
            throw new CliException(
                    Exit.USAGE,
                    "'" + run + "' is the beginning of " + meant.size() + " runs: "
                            + String.join(", ", meant.subList(0, Math.min(meant.size(), 5)))
                            + (meant.size() > 5 ? " and more" : "") + ". Give more of the id");
        }
        return meant.getFirst();
    }

    /** In the order in which they began; what has not begun comes last. */
    private static List<JsonNode> inTurn(JsonNode steps) {
        return StreamSupport.stream(steps.spliterator(), false)
                .sorted(Comparator.comparing(step -> step.path("startedAt").asText("9999")))
                .toList();
    }

    private void all(Api api, String name, String log) {
        long offset = 0;
        while (true) {
            JsonNode chunk = api.get(log + "?offset=" + offset);
            if (chunk.path("text").asText().isEmpty()) {
                return;
            }
            chunk.path("text").asText().lines().forEach(line -> print(name, line));
            offset = chunk.path("nextOffset").asLong();
        }
    }

    private void follow(Api api, String name, String stream) throws IOException {
        try (var lines = new BoundedLines(api.stream(stream), LINE_BYTES)) {
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (line.get().equals("event: end")) {
                    return;
                }
                if (line.get().startsWith("data: ")) {
                    print(name, line.get().substring(6));
                }
            }
        }
    }

    private void print(String name, String line) {
        System.out.println(connection.json() ? Api.object().put("step", name).put("line", line) : name + " " + line);
    }
}
