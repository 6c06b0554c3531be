package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A project's folder on this machine: definitions and SQL are sent as text, data files as blobs. */
final class ProjectFolder {
    private static final Set<String> TEXTS = Set.of("yaml", "yml", "sql");
    private static final Set<String> DATA = Set.of("csv", "gz");
    private static final int MOST_FILES = 1000;

    private final Path root;

    ProjectFolder(Path root) {
        if (!Files.exists(root)) {
            throw new CliException(Exit.NOT_FOUND, "There is no file or folder " + root);
        }
        this.root = root;
    }

    /** Sends everything; see the route for definitions. */
    JsonNode apply(Api api, boolean dryRun) {
        ObjectNode body = Api.object();
        ObjectNode texts = body.putObject("files");
        ObjectNode blobs = body.putObject("blobs");
        body.put("dryRun", dryRun);
        try {
            Path base = Files.isDirectory(root) ? root : root.resolveSibling("");
            List<Path> files = files();
            for (Path file : files) {
                FileNames.refusal(base, file).ifPresent(why -> {
                    throw new CliException(Exit.FAILURE, "In " + root + " " + why);
                });
            }
            for (Path file : files) {
                String path = FileNames.below(base, file);
                if (TEXTS.contains(extension(file))) {
                    texts.put(path, Files.readString(file));
                } else {
                    blobs.put(
                            path,
                            api.upload(api.in("/blobs"), file).path("digest").asText());
                }
            }
        } catch (java.nio.charset.MalformedInputException e) {
            throw new CliException(Exit.FAILURE, "A definition under " + root + " is not UTF-8 text");
        } catch (IOException e) {
            throw new CliException(Exit.FAILURE, "The project cannot be read: " + e.getMessage());
        }
        return api.post(api.in("/definitions"), body);
    }

    private List<Path> files() throws IOException {
        if (Files.isRegularFile(root)) {
            return List.of(root);
        }
        try (var walk = Files.walk(root, 8)) {
            List<Path> files = walk.filter(Files::isRegularFile)
                    .filter(file -> TEXTS.contains(extension(file)) || DATA.contains(extension(file)))
                    .filter(file -> !root.relativize(file).toString().startsWith("."))
                    .sorted()
                    .toList();
            if (files.size() > MOST_FILES) {
                throw new CliException(
                        Exit.FAILURE, root + " holds " + files.size() + " files; a project has at most " + MOST_FILES);
            }
            return files;
        }
    }

    private static String extension(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return name.substring(name.lastIndexOf('.') + 1);
    }
}
