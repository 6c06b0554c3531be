package dev.tidemill.inference.python;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Scripts of ours that lie in the jar. */
final class PackagedScript {
    private PackagedScript() {}

    /** Writes one to a folder, as a whole and readable by everybody; where it lies. */
    static Path write(String name, Path folder) {
        Path target = folder.resolve(name);
        try (InputStream script = PackagedScript.class.getResourceAsStream(name)) {
            if (script == null) {
                throw new IllegalStateException(name + " is not in the jar");
            }
            Path aside = Files.createTempFile(Files.createDirectories(folder), "script", ".py");
            Files.copy(script, aside, StandardCopyOption.REPLACE_EXISTING);
            // Temporary files are their owner's alone; the children's user is another.
            aside.toFile().setReadable(true, false);
            Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return target.toAbsolutePath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
