package dev.tidemill.testkit;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** Real data and numeric oracles that lie beside the repository, where they do. */
public final class SharedData {
    private SharedData() {}

    /** A file of {@code shared/data}; the test is skipped where it is absent. */
    public static Path file(String name) {
        String given = System.getenv("TIDEMILL_SHARED");
        Path root = given == null || given.isBlank() ? repository().resolveSibling("shared") : Path.of(given);
        Path file = root.resolve("data").resolve(name);
        Assumptions.assumeTrue(Files.exists(file), "TIDEMILL_SHARED has no data/" + name);
        return file;
    }

    /** The root of the repository that tests run in. */
    public static Path repository() {
        Path path = Path.of("").toAbsolutePath();
        while (!Files.exists(path.resolve("tidemill"))) {
            path = Optional.ofNullable(path.getParent()).orElseThrow();
        }
        return path;
    }
}
