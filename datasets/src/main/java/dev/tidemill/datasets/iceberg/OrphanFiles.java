package dev.tidemill.datasets.iceberg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.jspecify.annotations.Nullable;

/** Files in a table's folder that neither its metadata nor any of its snapshots refer to: left by what was interrupted. */
final class OrphanFiles {
    private final Path folder;
    private final SqlTableOperations operations;

    OrphanFiles(Path folder, SqlTableOperations operations) {
        this.folder = folder;
        this.operations = operations;
    }

    /** Those written before a time. What is being written for the next version is younger, if the time is well in the past. */
    List<Path> find(Instant writtenBefore) {
        List<Path> old =
                files().stream().filter(file -> isBefore(file, writtenBefore)).toList();
        if (old.isEmpty()) {
            return old;
        }
        Set<Path> needed = referenced();
        return old.stream().filter(file -> !needed.contains(file)).toList();
    }

    private List<Path> files() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> file.toAbsolutePath().normalize())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isBefore(Path file, Instant time) {
        try {
            return Files.getLastModifiedTime(file).toInstant().isBefore(time);
        } catch (IOException e) {
            return false; // it has gone meanwhile
        }
    }

    private Set<Path> referenced() {
        var needed = new HashSet<Path>();
        @Nullable TableMetadata metadata = operations.refresh();
        if (metadata == null) {
            return needed;
        }
        add(needed, metadata.metadataFileLocation());
        metadata.previousFiles().forEach(entry -> add(needed, entry.file()));
        for (Snapshot snapshot : metadata.snapshots()) {
            add(needed, snapshot.manifestListLocation());
            for (ManifestFile manifest : snapshot.allManifests(operations.io())) {
                if (needed.add(operations.path(manifest.path()))) {
                    try (var paths = ManifestFiles.readPaths(manifest, operations.io(), metadata.specsById())) {
                        paths.forEach(path -> add(needed, path));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        }
        return needed;
    }

    private void add(Set<Path> needed, @Nullable String location) {
        if (location != null) {
            needed.add(operations.path(location));
        }
    }
}
