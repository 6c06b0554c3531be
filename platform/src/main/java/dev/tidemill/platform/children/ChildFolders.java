package dev.tidemill.platform.children;

import dev.tidemill.platform.config.FileTrees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Folders of child JVMs below the temporary folder, each named after the server that made it. Native libraries of 86 MB and more are
 * unpacked there; a folder goes with its child, and those of a server that was killed go when the next one starts.
 */
final class ChildFolders {
    private static final Logger LOG = LoggerFactory.getLogger(ChildFolders.class);
    private static final String PREFIX = "tidemill-child-";

    private ChildFolders() {}

    private static Path parent() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    static Path create() throws IOException {
        return Files.createTempDirectory(
                parent(), PREFIX + ProcessHandle.current().pid() + "-");
    }

    static void delete(Path folder) {
        try {
            FileTrees.delete(folder);
        } catch (UncheckedIOException e) {
            LOG.debug("{} could not be deleted: {}", folder, e.toString());
        }
    }

    /** Deletes the folders of servers that are gone. */
    static void deleteLeftOvers() {
        try (Stream<Path> all = Files.list(parent())) {
            List<Path> left = all.filter(folder -> maker(folder)
                            .filter(pid -> ProcessHandle.of(pid).isEmpty())
                            .isPresent())
                    .toList();
            left.forEach(ChildFolders::delete);
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("Left-over folders of children could not be listed: {}", e.toString());
        }
    }

    private static Optional<Long> maker(Path folder) {
        String name = folder.getFileName().toString();
        int end = name.indexOf('-', PREFIX.length());
        if (!name.startsWith(PREFIX) || end < 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(Long.parseLong(name.substring(PREFIX.length(), end)));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
