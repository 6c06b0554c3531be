package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill import}: everything that MLflow knew. */
@Command(
        name = "import",
        description =
                "Take in experiments, runs, artifacts and models from MLflow: a live server, an mlruns folder, or a SQLite file.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Run ids, times, states, version numbers, aliases and stages stay as they were. An experiment keeps its id where that is",
            "free here. An import that was interrupted goes on where it was when it is started again."
        })
final class ImportCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "SOURCE", description = "http://host:5000, a folder mlruns, or a file mlflow.db")
    private String source = "";

    @Option(
            names = "--artifacts",
            paramLabel = "DIR",
            description = "Where the server of a SQLite file or folder kept what it calls mlflow-artifacts:")
    private @Nullable Path artifacts;

    @Option(names = "--dry-run", description = "Say what would be taken in, and what would not survive")
    private boolean dryRun;

    @Override
    public Integer call() throws IOException {
        try (ImportSource from = open()) {
            return dryRun ? plan(from) : take(from);
        }
    }

    private ImportSource open() throws IOException {
        if (ServerSource.means(source)) {
            return new ServerSource(source);
        }
        Path path = Path.of(source.replaceFirst("^(sqlite:///|file://)", ""));
        var local = new LocalFiles(
                artifacts == null ? null : artifacts.toAbsolutePath().normalize());
        if (Files.isDirectory(path)) {
            Path folder = Files.isDirectory(path.resolve("mlruns")) ? path.resolve("mlruns") : path;
            return new FolderSource(folder.toAbsolutePath().normalize(), local);
        }
        if (Files.isRegularFile(path)) {
            return new SqliteSource(path, local);
        }
        throw new CliException(Exit.NOT_FOUND, "'" + source + "' is neither an address, nor a folder, nor a file");
    }

    private int plan(ImportSource from) throws IOException {
        long[] counts = new long[5];
        String[] names = {"experiments", "runs", "logged models", "registered models", "versions"};
        for (JsonNode experiment : from.experiments()) {
            counts[0]++;
            from.runs(experiment.path("experiment_id").asText(), run -> counts[1]++);
            from.loggedModels(experiment.path("experiment_id").asText(), model -> counts[2]++);
        }
        for (JsonNode model : from.models()) {
            counts[3]++;
            counts[4] += from.versions(model.path("name").asText()).size();
        }
        List<String> left = from.leftBehind();
        if (connection.json()) {
            ObjectNode json = Api.object();
            for (int i = 0; i < counts.length; i++) {
                json.put(names[i].replace(' ', '_'), counts[i]);
            }
            left.forEach(text -> json.withArray("left_behind").add(text));
            System.out.println(json);
            return Exit.OK;
        }
        for (int i = 0; i < counts.length; i++) {
            System.out.printf("%8d %s%n", counts[i], names[i]);
        }
        left.forEach(text -> System.out.println("not: " + text));
        return Exit.OK;
    }

    private int take(ImportSource from) throws IOException {
        var taking = new MlflowImport(connection.api(), from);
        ObjectNode result = taking.run();
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
        return Exit.OK;
    }
}
