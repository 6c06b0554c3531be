package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill run}. */
@Command(
        name = "run",
        description = "Run a pipeline and wait for its end.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  tidemill run train --set until=2011-04-01T00:00:00Z"})
final class RunCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "PIPELINE", description = "Name of the pipeline")
    private String pipeline = "";

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "Value of a parameter; may be repeated")
    private Map<String, String> parameters = new TreeMap<>();

    @Option(names = "--no-wait", description = "Print the run's id and return at once")
    private boolean noWait;

    @Override
    public Integer call() {
        Api api = connection.api();
        var watch = new PipelineWatch(api, new Retry(Duration.ofSeconds(30)));
        String run = watch.start(pipeline, parameters);
        return follow(api, connection, watch, run, noWait);
    }

    /** Waits for a run's end, with progress, and prints what became of it. */
    static int follow(Api api, Connection connection, PipelineWatch watch, String run, boolean noWait) {
        System.err.println(api.server() + "/ui/" + api.project() + "/pipelines/runs/" + run);
        if (noWait) {
            System.out.println(connection.json() ? Api.object().put("id", run) : run);
            return Exit.OK;
        }
        var progress = new Progress("run");
        JsonNode view = watch.await(run, progress);
        String state = view.path("run").path("state").asText();
        progress.done(state.toLowerCase(java.util.Locale.ROOT));
        if (connection.json()) {
            System.out.println(view);
        } else {
            System.out.println(run);
        }
        if (state.equals("SUCCEEDED")) {
            return Exit.OK;
        }
        throw new CliException(
                Exit.FAILURE,
                "Run " + run + " is " + state + ": "
                        + view.path("run").path("error").asText("") + "\n  Look at a step with: tidemill logs " + run);
    }
}
