package dev.tidemill.datasets.iceberg;

import dev.tidemill.platform.retention.DeletionHold;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/**
 * Iceberg's files on the local file system, confined to the table's folder.
 *
 * <p>Iceberg's metadata hold absolute paths. A file below {@code PROJECT/TABLE/data} or {@code PROJECT/TABLE/metadata} of another
 * folder is therefore the one of that name here: the table was written before its data directory was moved or restored.
 */
final class LocalFileIO implements FileIO {
    private static final long serialVersionUID = 1L;

    /** Project, table, kind of file, file. */
    private static final int PARTS = 4;

    private static final Set<String> FOLDERS = Set.of("data", "metadata");

    private final String root;

    private final transient DeletionHold deletions;

    LocalFileIO(String root, DeletionHold deletions) {
        this.root = root;
        this.deletions = deletions;
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

    /** Does nothing while a backup copies the files: what no version holds any more is removed later, as orphans are. */
    @Override
    public void deleteFile(String location) {
        Path file = confined(location);
        boolean unused = deletions.unlessHeld(() -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /**
     * Where a file that metadata name really is.
     *
     * @throws IllegalArgumentException for one that is not of this table
     */
    Path confined(String location) {
        Path folder = Path.of(root).toAbsolutePath().normalize();
        Path path = Path.of(location.startsWith("file:") ? location.substring(5) : location)
                .toAbsolutePath()
                .normalize();
        if (path.startsWith(folder)) {
            return path;
        }
        int names = path.getNameCount();
        boolean ofThisTable = names > PARTS
                && path.subpath(names - PARTS, names - 2)
                        .equals(folder.subpath(folder.getNameCount() - 2, folder.getNameCount()))
                && FOLDERS.contains(path.getName(names - 2).toString());
        if (!ofThisTable) {
            throw new IllegalArgumentException("'" + location + "' is outside the table's folder");
        }
        return folder.resolve(path.subpath(names - 2, names));
    }
}
