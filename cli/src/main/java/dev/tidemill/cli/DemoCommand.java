package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tidemill demo}: the whole loop on real data, through the public API as any project would use it. */
@Command(
        name = "demo",
        description = {
            "Run the whole loop on a year of hourly bike rentals.",
            "Import, check, features, grid search, registration, deployment, then live traffic with late labels, retraining,",
            "shadow, canary and promotion by policy."
        },
        mixinStandardHelpOptions = true,
        footer = {"", "Examples:", "  tidemill demo", "  tidemill demo --keep      leave the server up to look around"})
final class DemoCommand implements Callable<Integer> {
    private static final String PROJECT = "bike-sharing";
    private static final String DEPLOYMENT = "bikes";
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");

    @Option(names = "--keep", description = "Leave the server up afterwards")
    private boolean keep;

    @Option(names = "--directory", paramLabel = "DIR", description = "Where to work; must be new or empty")
    private @Nullable Path directory;

    @Option(
            names = "--port",
            defaultValue = "8080",
            description = "Port of the server; another if it is taken. Default: 8080")
    private int port;

    @Option(
            names = "--data",
            paramLabel = "CSV",
            description = "Other rows than the template's, such as the full hour.csv")
    private @Nullable Path data;

    @Option(names = "--until", hidden = true, description = "Stop the replay at this event time")
    private @Nullable Instant until;

    @Option(names = "--server", hidden = true, description = "Use this server instead of starting one")
    private @Nullable String existing;

    @Option(names = "--json", description = "Print the report as JSON")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path work = directory == null ? Files.createTempDirectory("tidemill-demo-") : directory;
        if (existing != null) {
            play(work, existing);
            return Exit.OK;
        }
        Templates.requireEmpty(work);
        var starting = new Progress("server");
        try (ServerProcess server = ServerProcess.start(work, freePort(port))) {
            starting.done(server.url() + ", data in " + work.resolve("data"));
            play(work, server.url());
            if (keep) {
                System.err.println("The server stays up at " + server.url() + "/ui/" + PROJECT + ". Ctrl-C ends it.");
                server.await();
            }
        }
        return Exit.OK;
    }

    private static int freePort(int wanted) {
        try (var socket = new java.net.ServerSocket()) {
            socket.bind(new java.net.InetSocketAddress("127.0.0.1", wanted));
            return wanted;
        } catch (IOException e) {
            return 0;
        }
    }

    private void play(Path work, String url) throws IOException {
        Api api = new Api(url, Optional.ofNullable(System.getenv("TIDEMILL_TOKEN")), PROJECT);
        var retry = new Retry(Duration.ofMinutes(2));
        Path project = work.resolve("project");
        prepare(api, retry, project);

        var training = new Progress("train");
        var watch = new PipelineWatch(api, retry);
        JsonNode run = watch.await(watch.start("train", Map.of()), training);
        if (!run.path("run").path("state").asText().equals("SUCCEEDED")) {
            throw new CliException(
                    Exit.FAILURE,
                    "Training failed: " + run.path("run").path("error").asText());
        }
        training.done(run.path("steps").size() + " steps; the best of the grid is champion");

        var replaying = new Progress("replay");
        var script = new Replay.Script(
                DEPLOYMENT,
                "rental-features",
                "row",
                Csv.read(project.resolve("data/rentals.csv.gz")),
                List.of("bikers", "cnt"),
                List.of("casual", "registered"),
                START,
                Optional.ofNullable(until),
                Duration.ofDays(1));
        long predictions = new Replay(api, retry, script).run(replaying);
        replaying.done(predictions + " predictions served, logged and scored");

        JsonNode answer = retry.call(() -> api.get(api.in("/deployments/" + DEPLOYMENT + "/report?baseline=1")));
        var report = new Report(answer);
        Path chart = work.resolve("report.svg");
        Files.writeString(chart, report.svg("Bike rentals: mean absolute error by month"));
        System.out.println(json ? answer : report.table());
        System.err.println("Chart: " + chart);
        System.err.println("Look around: " + api.server() + "/ui/" + PROJECT
                + (keep || existing != null ? "" : "  (only while a server runs: use 'tidemill demo --keep')"));
    }

    private void prepare(Api api, Retry retry, Path project) throws IOException {
        if (!Files.exists(project)) {
            Templates.copy("bike-sharing", project);
        }
        if (data != null) {
            Files.copy(data, project.resolve("data/rentals.csv.gz"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        boolean known = retry.call(() -> api.get("/api/tidemill/v1/projects"))
                .path("projects")
                .valueStream()
                .anyMatch(entry -> entry.path("name").asText().equals(PROJECT));
        if (!known) {
            retry.call(() -> createProject(api));
        }
        retry.call(() -> new ProjectFolder(project).apply(api, false));
    }

    /** Creating it again after a lost answer is no failure. */
    private static JsonNode createProject(Api api) {
        try {
            return api.post("/api/tidemill/v1/projects", Api.object().put("name", PROJECT));
        } catch (CliException e) {
            if (e.exit() == Exit.CONFLICT) {
                return Api.object();
            }
            throw e;
        }
    }
}
