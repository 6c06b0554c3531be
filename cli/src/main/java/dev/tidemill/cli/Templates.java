package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Project templates that the build packs: {@code templates/NAME/files.txt} lists what each holds. */
final class Templates {
    static final List<String> NAMES = List.of("bike-sharing", "tabular");

    private Templates() {}

    /** Refuses a folder that holds anything; one that is not there yet is empty. */
    static void requireEmpty(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (var entries = Files.list(folder)) {
                if (entries.findAny().isPresent()) {
                    throw new CliException(Exit.CONFLICT, folder + " is not empty; nothing was written");
                }
            }
        }
    }

    /** Copies a template into a folder that is new or empty. */
    static void copy(String template, Path target) {
        if (!NAMES.contains(template)) {
            throw new CliException(Exit.USAGE, "There is no template '" + template + "'; there are " + NAMES);
        }
        try {
            requireEmpty(target);
            for (String file : new String(read(template + "/files.txt"), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                Path path = target.resolve(file);
                Files.createDirectories(Optional.ofNullable(path.getParent()).orElse(target));
                Files.write(path, read(template + "/" + file));
            }
        } catch (IOException e) {
            throw new CliException(Exit.FAILURE, "The template cannot be written to " + target + ": " + e.getMessage());
        }
    }

    private static byte[] read(String path) throws IOException {
        try (InputStream in = Templates.class.getResourceAsStream("/templates/" + path)) {
            if (in == null) {
                throw new IOException("this build lacks templates/" + path);
            }
            return in.readAllBytes();
        }
    }
}
