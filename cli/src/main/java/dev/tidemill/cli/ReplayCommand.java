package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
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
            "At the end of the file the last labels are sent as late as the others, and the watermark with them. A replay that ends",
            "before (--until) sends them at once and leaves the watermark, so that another can go on from there.",
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
            description = "Columns of which the view makes the label; hidden until it arrives")
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
            names = "--id-prefix",
            description =
                    "Begin of each row's id, before its place in the file. Default: 8 digits of the file's digest")
    private @Nullable String idPrefix;

    @Option(
            names = "--patience",
            defaultValue = "PT2M",
            hidden = true,
            description = "How long to wait for a lost server")
    private Duration patience = Duration.ofMinutes(2);

    @Override
    public Integer call() throws IOException {
        Api api = connection.api();
        List<Map<String, String>> rows = Csv.read(csv);
        requireLabel(rows);
        var script = new Replay.Script(
                deployment,
                view,
                idPrefix != null ? idPrefix : digest(csv),
                rows,
                labels,
                drop,
                from,
                Optional.ofNullable(until),
                labelDelay);
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

    /** Another file has other rows: its ids are none that a deployment may know already. */
    static String digest(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = Sha256.begin();
            byte[] buffer = new byte[1 << 16];
            int read;
            while ((read = in.read(buffer)) > 0) {
                digest.update(buffer, 0, read);
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 4);
        }
    }

    private void requireLabel(List<Map<String, String>> rows) {
        if (!rows.isEmpty() && labels.stream().noneMatch(rows.getFirst()::containsKey)) {
            throw new CliException(
                    Exit.FAILURE,
                    csv + " has no column '" + String.join("' or '", labels) + "' (--label); it has: "
                            + String.join(", ", rows.getFirst().keySet()));
        }
    }
}
