package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill artifacts}: files of runs. */
@Command(
        name = "artifacts",
        description = "List, upload and download the files of a run.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class ArtifactsCommand extends CommandGroup {
    private static final String OWN = "mlflow-artifacts:/";

    @Command(name = "list", description = "List what a folder holds.", mixinStandardHelpOptions = true)
    int list(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "RUN") String run,
            @Parameters(index = "1", arity = "0..1", paramLabel = "PATH") @Nullable String path) {
        Api api = connection.api();
        JsonNode listed =
                api.get(api.in("/runs/" + Api.encode(run) + "/artifacts?path=" + Api.encode(path == null ? "" : path)));
        if (connection.json()) {
            System.out.println(listed);
            return Exit.OK;
        }
        if (listed.path("files").isEmpty()) {
            System.err.println("Nothing is there.");
            return Exit.OK;
        }
        var table = new Columns("bytes", "path");
        listed.path("files")
                .forEach(file -> table.add(List.of(
                        file.path("file_size").asText(""),
                        file.path("path").asText() + (file.path("is_dir").asBoolean() ? "/" : ""))));
        table.print();
        return Exit.OK;
    }

    @Command(name = "download", description = "Download a file or folder.", mixinStandardHelpOptions = true)
    int download(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "RUN") String run,
            @Parameters(index = "1", arity = "0..1", paramLabel = "PATH") @Nullable String path,
            @Option(names = "--to", paramLabel = "DIR", defaultValue = ".", description = "Where to. Default: here")
                    Path to)
            throws IOException {
        return Downloads.run(connection, run, path == null ? "" : path, to);
    }

    @Command(name = "upload", description = "Upload a file or folder.", mixinStandardHelpOptions = true)
    int upload(
            @Mixin Connection connection,
            @Parameters(index = "0", paramLabel = "RUN") String run,
            @Parameters(index = "1", paramLabel = "FILE") Path file,
            @Option(names = "--to", paramLabel = "PATH", defaultValue = "", description = "Folder among the artifacts")
                    String to)
            throws IOException {
        Api api = connection.api();
        String root =
                api.get(api.in("/runs/" + Api.encode(run))).path("artifacts").asText();
        if (!root.startsWith(OWN)) {
            throw new CliException(Exit.FAILURE, "The run keeps its artifacts at " + root + ", not at the server");
        }
        List<Path> files;
        try (var walk = Files.walk(file)) {
            files = walk.filter(Files::isRegularFile).sorted().toList();
        }
        var progress = new Progress("upload");
        var omissions = new Omissions();
        int done = 0;
        for (Path one : files) {
            Path folder = Files.isDirectory(file) ? file : file.resolveSibling("");
            Optional<String> refusal = FileNames.refusal(folder, one);
            if (refusal.isPresent()) {
                omissions.add("file " + FileNames.bytesBelow(folder, one), refusal.get());
                continue;
            }
            String name = FileNames.below(folder, one);
            String target = root.substring(OWN.length()) + "/" + (to.isEmpty() ? "" : to + "/") + name;
            api.putFile("/api/2.0/mlflow-artifacts/artifacts/" + Downloads.encoded(target), one);
            progress.update(++done, files.size(), name);
        }
        progress.done(done + " files");
        if (connection.json()) {
            ObjectNode result = Api.object().put("files", done);
            omissions.tell(result);
            System.out.println(result);
        }
        omissions.print();
        return omissions.exit();
    }
}
