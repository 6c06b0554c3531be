package dev.tidemill.inference.python;

import dev.tidemill.platform.config.FileTrees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finished environments on disk, each under the digest of its lock, and which lock each set of requirements has led to. What no
 * model uses is deleted, the longest unused first, above a size and after an age. Thread-safe.
 */
final class EnvironmentShelf {
    private static final Logger LOG = LoggerFactory.getLogger(EnvironmentShelf.class);
    private static final String COMPLETE = "complete";
    private static final String USED = "used";
    private static final String KNOWN = ".known";

    /**
     * One of them.
     *
     * @param users models that are loaded with it
     */
    record Environment(String id, long bytes, Instant lastUsed, int users) {}

    private final Path folder;
    private final long most;
    private final Duration age;
    private final Clock clock;
    private final Map<String, Integer> users = new HashMap<>();

    /**
     * @param most bytes of all
     * @param age after which an unused one goes; zero for never
     */
    EnvironmentShelf(Path folder, long most, Duration age, Clock clock) {
        this.folder = folder;
        this.most = most;
        this.age = age;
        this.clock = clock;
    }

    Path path(String id) {
        return folder.resolve(id);
    }

    /** Takes the environment that requirements have led to before, if it is still there; until {@link #release} it stays. */
    synchronized Optional<String> take(String requirements) {
        Path known = folder.resolve(requirements + KNOWN);
        try {
            if (!Files.exists(known)) {
                return Optional.empty();
            }
            String id = Files.readString(known).strip();
            if (!id.matches("[0-9a-f]{32}") || !isComplete(id)) {
                Files.delete(known);
                return Optional.empty();
            }
            users.merge(id, 1, Integer::sum);
            touch(id);
            return Optional.of(id);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    synchronized void release(String id) {
        users.computeIfPresent(id, (unused, count) -> count > 1 ? count - 1 : null);
        touch(id);
    }

    boolean isComplete(String id) {
        return Files.exists(path(id).resolve(COMPLETE));
    }

    /** Notes that an environment is whole. */
    synchronized void finish(String id) throws IOException {
        Files.writeString(path(id).resolve(COMPLETE), String.valueOf(size(path(id))));
        touch(id);
    }

    /** Notes which environment requirements have led to. */
    synchronized void know(String requirements, String id) throws IOException {
        Path aside = folder.resolve(requirements + ".aside");
        Files.writeString(aside, id);
        Files.move(aside, folder.resolve(requirements + KNOWN), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private void touch(String id) {
        try {
            Path used = path(id).resolve(USED);
            if (!Files.exists(used)) {
                Files.createFile(used);
            }
            Files.setLastModifiedTime(used, FileTime.from(clock.instant()));
        } catch (IOException e) {
            LOG.debug("{} is gone", id);
        }
    }

    /** Every finished one, the longest unused first. */
    synchronized List<Environment> list() {
        var all = new ArrayList<Environment>();
        try (Stream<Path> paths = Files.exists(folder) ? Files.list(folder) : Stream.empty()) {
            for (Path path : paths.filter(Files::isDirectory).toList()) {
                String id = path.getFileName().toString();
                if (isComplete(id)) {
                    all.add(new Environment(id, bytes(path), lastUsed(path), users.getOrDefault(id, 0)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        all.sort(Comparator.comparing(Environment::lastUsed));
        return all;
    }

    private static Instant lastUsed(Path path) throws IOException {
        Path used = path.resolve(USED);
        return Files.getLastModifiedTime(Files.exists(used) ? used : path.resolve(COMPLETE))
                .toInstant();
    }

    private static long bytes(Path path) throws IOException {
        String text = Files.readString(path.resolve(COMPLETE)).strip();
        return text.isEmpty() ? size(path) : Long.parseLong(text);
    }

    private static long size(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    /** Deletes what is beyond size and age, and what requirements are known to lead nowhere. */
    synchronized void tidy() {
        List<Environment> all = list();
        long taken = all.stream().mapToLong(Environment::bytes).sum();
        Instant oldest = age.isZero() ? Instant.MIN : clock.instant().minus(age);
        for (Environment one : all) {
            if (one.users() == 0 && (taken > most || one.lastUsed().isBefore(oldest))) {
                LOG.info("The environment {} goes: {} bytes, last used {}", one.id(), one.bytes(), one.lastUsed());
                try {
                    // First the mark, so that one deleted by half is not taken for whole.
                    Files.delete(path(one.id()).resolve(COMPLETE));
                    FileTrees.delete(path(one.id()));
                    taken -= one.bytes();
                } catch (IOException | UncheckedIOException e) {
                    LOG.warn("The environment {} cannot be deleted: {}", one.id(), e.getMessage());
                }
            }
        }
        forget();
    }

    private void forget() {
        try (Stream<Path> paths = Files.exists(folder) ? Files.list(folder) : Stream.empty()) {
            for (Path path : paths.toList()) {
                String name = path.getFileName().toString();
                if (name.endsWith(KNOWN) && !isComplete(Files.readString(path).strip())) {
                    Files.deleteIfExists(path);
                    Files.deleteIfExists(folder.resolve(name.replace(KNOWN, ".log")));
                }
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be tidied: {}", folder, e.getMessage());
        }
    }
}
