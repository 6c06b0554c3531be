package dev.tidemill.artifacts.filesystem;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A folder of this machine. Links that lead out of it are treated as not there. */
public final class ConfinedFolderFiles implements ExternalFiles {
    private final Path root;

    public ConfinedFolderFiles(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    @Override
    public List<FileStore.Entry> list(String path) {
        Optional<Path> folder = inside(path).filter(Files::isDirectory);
        if (folder.isEmpty()) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder.get())) {
            return entries.map(entry -> root.relativize(folder.get().resolve(entry.getFileName())))
                    .map(Path::toString)
                    .sorted()
                    .flatMap(name -> inside(name).stream())
                    .map(file ->
                            new FileStore.Entry(file.getFileName().toString(), Files.isDirectory(file), size(file)))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public OptionalLong size(String path) {
        return inside(path)
                .filter(Files::isRegularFile)
                .map(file -> OptionalLong.of(size(file)))
                .orElse(OptionalLong.empty());
    }

    @Override
    public InputStream open(String path) {
        Path file =
                inside(path).filter(Files::isRegularFile).orElseThrow(() -> TidemillException.notFound("file", path));
        try {
            return Files.newInputStream(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public SortedMap<String, Long> below(String folder) {
        var found = new TreeMap<String, Long>();
        Optional<Path> start = inside(folder).filter(Files::isDirectory);
        if (start.isPresent()) {
            try (Stream<Path> files = Files.walk(start.get())) {
                files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                        .forEach(file -> found.put(start.get().relativize(file).toString(), size(file)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    @Override
    public int delete(String path) {
        Optional<Path> start = inside(path);
        if (path.isEmpty() || start.isEmpty()) {
            return 0;
        }
        int files = 0;
        try (Stream<Path> all = Files.walk(start.get())) {
            for (Path one : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                files += Files.isDirectory(one, LinkOption.NOFOLLOW_LINKS) ? 0 : 1;
                Files.deleteIfExists(one);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    /** The real file of a path, if it is there and no link leads it outside. */
    private Optional<Path> inside(String path) {
        try {
            Path base = root.toRealPath();
            Path real = root.resolve(path).normalize().toRealPath();
            return real.startsWith(base) ? Optional.of(real) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static long size(Path file) {
        try {
            return Files.isRegularFile(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
