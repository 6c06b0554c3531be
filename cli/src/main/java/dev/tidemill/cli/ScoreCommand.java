package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill score}. */
@Command(
        name = "score",
        description = "Predict every row of a data set version, into a new version of another data set.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tidemill score churn --data customers",
            "  tidemill score churn --of 7 --data customers@12 --output customers-at-risk"
        })
final class ScoreCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "MODEL", description = "Registered model")
    private String model = "";

    @Option(
            names = "--data",
            required = true,
            paramLabel = "DATASET[@VERSION]",
            description = "What to predict. Default: its newest version")
    private String data = "";

    @Option(names = "--of", paramLabel = "VERSION|ALIAS", description = "Version of the model. Default: the newest")
    private @Nullable String version;

    @Option(names = "--output", paramLabel = "DATASET", description = "Where to. Default: DATASET-scored")
    private @Nullable String output;

    @Option(names = "--prefix", paramLabel = "TEXT", description = "Begins the names of the columns that are added")
    private @Nullable String prefix;

    @Option(names = "--no-wait", description = "Print the run's id and return at once")
    private boolean noWait;

    @Override
    public Integer call() {
        Api api = connection.api();
        var retry = new Retry(Duration.ofSeconds(30));
        ObjectNode body = Api.object().put("model", model).put("data", data);
        put(body, "version", version);
        put(body, "output", output);
        put(body, "prefix", prefix);
        // The key makes a repeated start after a lost answer harmless.
        body.put("requestKey", "cli/" + UUID.randomUUID());
        JsonNode started = retry.call(() -> api.post(api.in("/scorings"), body));
        return RunCommand.follow(
                api,
                connection,
                new PipelineWatch(api, retry),
                started.path("id").asText(),
                noWait);
    }

    private static void put(ObjectNode body, String name, @Nullable String value) {
        if (value != null) {
            body.put(name, value);
        }
    }
}
