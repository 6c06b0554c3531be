package dev.tidemill.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill replay}. */
@Command(
        name = "replay",
        description = "Play recorded rows back as live traffic, in event time and faster than life.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Example:",
            "  tidemill replay data/hour.csv --deployment bikes --view rental-features \\",
            "    --label cnt --drop casual,registered --from 2011-04-01T00:00:00Z"
        })
final class ReplayCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "CSV", description = "Rows as in the data set's source")
    private Path csv = Path.of("");

    @Option(names = "--deployment", required = true, description = "Deployment to call")
    private String deployment = "";

    @Option(names = "--view", required = true, description = "Feature view of the rows")
    private String view = "";

    @Option(
            names = "--label",
            required = true,
            split = ",",
            description = "Column of the label; the first there is counts")
    private List<String> labels = List.of();

    @Option(names = "--drop", split = ",", description = "Columns that nobody knew at the time")
    private List<String> drop = List.of();

    @Option(names = "--from", required = true, description = "First event time")
    private Instant from = Instant.EPOCH;

    @Option(names = "--until", description = "End of the event time, exclusive")
    private @Nullable Instant until;

    @Option(names = "--label-delay", defaultValue = "PT24H", description = "How late labels arrive. Default: PT24H")
    private Duration labelDelay = Duration.ofDays(1);

    @Option(
            names = "--patience",
            defaultValue = "PT2M",
            hidden = true,
            description = "How long to wait for a lost server")
    private Duration patience = Duration.ofMinutes(2);

    @Override
    public Integer call() throws IOException {
        Api api = connection.api();
        var script = new Replay.Script(
                deployment, view, Csv.read(csv), labels, drop, from, Optional.ofNullable(until), labelDelay);
        var progress = new Progress("replay");
        long predictions = new Replay(api, new Retry(patience), script).run(progress);
        progress.done(predictions + " predictions");
        var report = api.get(api.in("/deployments/" + Api.encode(deployment) + "/report"));
        System.out.println(connection.json() ? report : new Report(report).table());
        var state = api.get(api.in("/deployments/" + Api.encode(deployment) + "/monitoring"))
                .path("state");
        String origin = state.path("clock").path("origin").asText();
        if (predictions > 0 && !origin.isEmpty() && Instant.parse(origin).isAfter(from)) {
            System.err.println("tidemill: Monitoring of " + deployment + " begins at " + origin
                    + ", since many calls came live before this replay: rows before that count in no window and no trial.\n"
                    + "  Replay into a deployment of another name that has had no live calls");
            return Exit.INCOMPLETE;
        }
        return Exit.OK;
    }
}
