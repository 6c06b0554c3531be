package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill import}: everything that MLflow knew. */
@Command(
        name = "import",
        description =
                "Take in experiments, runs, artifacts, models and traces from MLflow: a live server, an mlruns folder, or a SQLite file.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Run ids, times, states, version numbers, aliases and stages stay as they were. An experiment keeps its id where that is",
            "free here. An import that was interrupted goes on where it was when it is started again. What cannot be taken is listed at",
            "the end with its place and cause, the exit code is 8 then, and the next import tries that alone again."
        })
final class ImportCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "SOURCE", description = "http://host:5000, a folder mlruns, or a file mlflow.db")
    private String source = "";

    @Option(
            names = "--artifacts",
            paramLabel = "DIR",
            description = {
                "A folder of this machine whose files may be taken along, beside those of SOURCE itself; where a server kept what it",
                "calls mlflow-artifacts:, or a place that its runs name. May be given again"
            })
    private List<Path> artifacts = List.of();

    @Option(names = "--dry-run", description = "Say what would be taken in, and what would not survive")
    private boolean dryRun;

    @Override
    public Integer call() throws IOException {
        var omissions = new Omissions();
        try (ImportSource from = open(omissions)) {
            return dryRun ? plan(from, omissions) : take(from, omissions);
        }
    }

    private ImportSource open(Omissions omissions) throws IOException {
        List<Path> named = ReadableFolders.absolute(artifacts);
        if (ServerSource.means(source)) {
            return new ServerSource(source, LocalFiles.named(named));
        }
        Path given = Path.of(source.replaceFirst("^(sqlite:///|file://)", ""));
        Path path = given.toAbsolutePath().normalize();
        if (Files.isDirectory(path)) {
            return folder(path, named, omissions);
        }
        if (Files.isRegularFile(path)) {
            // What else lies beside a file that came from somewhere is not its own.
            List<Path> own = Stream.of("mlartifacts", "mlruns")
                    .map(path::resolveSibling)
                    .filter(folder -> Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS))
                    .toList();
            return new SqliteSource(given, LocalFiles.named(named, own), omissions);
        }
        throw new CliException(Exit.NOT_FOUND, "'" + source + "' is neither an address, nor a folder, nor a file");
    }

    private static ImportSource folder(Path path, List<Path> named, Omissions omissions) throws IOException {
        Path within = path.resolve("mlruns");
        Path folder = Files.isDirectory(within) ? within : path;
        Path real = folder.toRealPath();
        if (!real.startsWith(path.toRealPath())) {
            throw new CliException(
                    Exit.FAILURE, folder + " is a link to " + real + "; if that is to be imported, name it instead");
        }
        return new FolderSource(folder, named, omissions);
    }

    private int plan(ImportSource from, Omissions omissions) throws IOException {
        long[] counts = new long[6];
        String[] names = {"experiments", "runs", "logged models", "registered models", "versions", "traces"};
        for (JsonNode experiment : from.experiments()) {
            counts[0]++;
            String id = experiment.path("experiment_id").asText();
            omissions.attempt("experiment '" + experiment.path("name").asText() + "'", () -> {
                from.runs(id, run -> counts[1]++);
                from.loggedModels(id, model -> counts[2]++);
                from.traces(id, some -> counts[5] += some.size());
            });
        }
        for (JsonNode model : from.models()) {
            counts[3]++;
            String name = model.path("name").asText();
            omissions.attempt(
                    "model '" + name + "'",
                    () -> counts[4] += from.versions(name).size());
        }
        List<String> left = from.leftBehind();
        if (connection.json()) {
            ObjectNode json = Api.object();
            for (int i = 0; i < counts.length; i++) {
                json.put(names[i].replace(' ', '_'), counts[i]);
            }
            left.forEach(text -> json.withArray("left_behind").add(text));
            omissions.tell(json);
            System.out.println(json);
            return omissions.exit();
        }
        for (int i = 0; i < counts.length; i++) {
            System.out.printf("%8d %s%n", counts[i], names[i]);
        }
        left.forEach(text -> System.out.println("not: " + text));
        omissions.print();
        return omissions.exit();
    }

    private int take(ImportSource from, Omissions omissions) throws IOException {
        ObjectNode result = new MlflowImport(connection.api(), from, omissions).run();
        omissions.tell(result);
        from.leftBehind().forEach(text -> result.withArray("left_behind").add(text));
        if (connection.json()) {
            System.out.println(result);
        } else {
            result.properties().forEach(entry -> {
                if (entry.getValue().isNumber()) {
                    System.out.printf(
                            "%8d %s%n",
                            entry.getValue().asLong(), entry.getKey().replace('_', ' '));
                }
            });
            result.path("left_behind").forEach(text -> System.out.println("not: " + text.asText()));
        }
        omissions.print();
        return omissions.exit();
    }
}
