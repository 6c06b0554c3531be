package dev.tidemill.datasets.iceberg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/** Iceberg's files on the local file system, confined to the table's folder. */
final class LocalFileIO implements FileIO {
    private static final long serialVersionUID = 1L;

    private final String root;

    LocalFileIO(String root) {
        this.root = root;
    }

    @Override
    public InputFile newInputFile(String location) {
        return org.apache.iceberg.Files.localInput(confined(location).toFile());
    }

    @Override
    public OutputFile newOutputFile(String location) {
        Path path = confined(location);
        try {
            Files.createDirectories(path.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return org.apache.iceberg.Files.localOutput(path.toFile());
    }

    @Override
    public void deleteFile(String location) {
        try {
            Files.deleteIfExists(confined(location));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path confined(String location) {
        Path path = Path.of(location.startsWith("file:") ? location.substring(5) : location)
                .toAbsolutePath()
                .normalize();
        if (!path.startsWith(Path.of(root).toAbsolutePath().normalize())) {
            throw new IllegalArgumentException("'" + location + "' is outside the table's folder");
        }
        return path;
    }
}
