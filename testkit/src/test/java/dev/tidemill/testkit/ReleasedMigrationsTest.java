package dev.tidemill.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A database keeps the checksum of each migration that it has gone through, and opens with no other. */
class ReleasedMigrationsTest {
    private static final String KEPT = "testkit/src/test/resources/migrations.sha256";

    @Test
    void noMigrationIsChangedOrTakenAwayOnceItIsReleased() throws IOException {
        Path root = root();
        Map<String, String> kept = new TreeMap<>();
        for (String line : Files.readAllLines(root.resolve(KEPT))) {
            String[] parts = line.split("  ", 2);
            kept.put(parts[1], parts[0]);
        }
        Map<String, String> there = migrations(root);
        kept.forEach((path, digest) -> assertThat(there)
                .as(
                        "%s was changed: databases that have gone through it would not open any more. Put it back as it was,"
                                + " and add a migration with the next number",
                        path)
                .containsEntry(path, digest));
        there.forEach((path, digest) -> assertThat(kept)
                .as(
                        "%s is new. Add this line to %s, and never change the migration afterwards:%n%s  %s",
                        path, KEPT, digest, path)
                .containsKey(path));
    }

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("ARCHITECTURE.md"))) {
            folder = Objects.requireNonNull(folder.getParent(), "The tests run outside of the repository");
        }
        return folder;
    }

    private static Map<String, String> migrations(Path root) throws IOException {
        var found = new TreeMap<String, String>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path module : modules.toList()) {
                Path migrations = module.resolve("src/main/resources/db");
                if (Files.isDirectory(migrations)) {
                    try (Stream<Path> files = Files.walk(migrations)) {
                        for (Path file : files.filter(Files::isRegularFile).toList()) {
                            found.put(
                                    root.relativize(file).toString().replace('\\', '/'),
                                    Ids.sha256(Files.readAllBytes(file)));
                        }
                    }
                }
            }
        }
        return found;
    }
}
