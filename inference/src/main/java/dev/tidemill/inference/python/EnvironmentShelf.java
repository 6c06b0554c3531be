package dev.tidemill.inference.python;

import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finished environments on disk, each under the digest of its lock, and which lock each set of requirements has led to. What no
 * model uses is deleted, the longest unused first, above a size and after an age; so is what a build has left that failed or was
 * killed. Whatever walks through whole environments does so without the lock. Thread-safe.
 */
final class EnvironmentShelf {
    private static final Logger LOG = LoggerFactory.getLogger(EnvironmentShelf.class);
    private static final String COMPLETE = "complete";
    private static final String USED = "used";
    private static final String KNOWN = ".known";
    private static final String LOGGED = ".log";
    private static final String ASIDE = ".aside";
    private static final String GONE = ".gone";
    private static final String DIGEST = "[0-9a-f]{32}";
    /** How long one that was just made is kept for those who wait for it. */
    private static final Duration PROMISE = Duration.ofMinutes(10);
    /** What the installer said of builds that have led to no environment. */
    private static final Duration LOG_AGE = Duration.ofDays(30);

    private static final int MOST_LOGS = 500;

    /**
     * One of them.
     *
     * @param users models that are loaded with it
     */
    record Environment(String id, long bytes, Instant lastUsed, int users) {}

    /** What puts an environment into an empty place. */
    @FunctionalInterface
    interface Making {
        void into(Path environment) throws IOException;
    }

    private record Stored(long bytes, Instant lastUsed) {}

    private final Path folder;
    private final long most;
    private final Duration age;
    private final Clock clock;
    private final Map<String, Stored> stored = new HashMap<>();
    private final Map<String, Integer> users = new HashMap<>();
    private final Map<String, Instant> promised = new HashMap<>();
    private final Set<String> making = new HashSet<>();

    /**
     * @param most bytes of all
     * @param age after which an unused one goes; zero for never
     */
    EnvironmentShelf(Path folder, long most, Duration age, Clock clock) {
        this.folder = folder;
        this.most = most;
        this.age = age;
        this.clock = clock;
        for (Path path : paths()) {
            String id = path.getFileName().toString();
            if (id.matches(DIGEST) && isComplete(id)) {
                try {
                    stored.put(id, new Stored(bytes(path), lastUsed(path)));
                } catch (IOException | RuntimeException e) {
                    LOG.warn("The environment {} cannot be read: {}", id, e.getMessage());
                }
            }
        }
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
            if (!id.matches(DIGEST) || !isComplete(id)) {
                Files.delete(known);
                return Optional.empty();
            }
            users.merge(id, 1, Integer::sum);
            promised.remove(id);
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

    /**
     * Has an environment made, unless it is there; two who want the same one do not make it at once. It stays for a while, so that
     * those who wait for it can take it. What is left of one that cannot be made is deleted.
     */
    void make(String id, Making maker) throws IOException, InterruptedException {
        claim(id);
        try {
            if (!isComplete(id)) {
                discard(id);
                maker.into(path(id));
                finish(id);
            }
            synchronized (this) {
                promised.put(id, clock.instant().plus(PROMISE));
            }
        } finally {
            try {
                if (!isComplete(id)) {
                    discard(id);
                }
            } finally {
                yieldUp(id);
            }
        }
    }

    private synchronized void claim(String id) throws InterruptedException {
        while (!making.add(id)) {
            wait();
        }
    }

    private synchronized void yieldUp(String id) {
        making.remove(id);
        notifyAll();
    }

    private void discard(String id) {
        if (Files.exists(path(id))) {
            try {
                FileTrees.delete(aside(id));
            } catch (IOException | UncheckedIOException e) {
                LOG.warn("What is left of the environment {} cannot be deleted now: {}", id, e.getMessage());
            }
        }
    }

    /** Takes an environment out of everybody's sight. */
    private Path aside(String id) throws IOException {
        Path gone = folder.resolve(Ids.next() + GONE);
        Files.move(path(id), gone, StandardCopyOption.ATOMIC_MOVE);
        return gone;
    }

    /** Notes that an environment is whole. */
    void finish(String id) throws IOException {
        long bytes = size(path(id));
        // Code of the requirements' own may have put links there.
        Files.deleteIfExists(path(id).resolve(COMPLETE));
        Files.deleteIfExists(path(id).resolve(USED));
        synchronized (this) {
            Files.writeString(path(id).resolve(COMPLETE), String.valueOf(bytes), StandardOpenOption.CREATE_NEW);
            stored.put(id, new Stored(bytes, clock.instant()));
            touch(id);
        }
    }

    /** Notes which environment requirements have led to. */
    synchronized void know(String requirements, String id) throws IOException {
        Path aside = folder.resolve(requirements + ASIDE);
        Files.writeString(aside, id);
        Files.move(aside, folder.resolve(requirements + KNOWN), StandardCopyOption.REPLACE_EXISTING);
    }

    private void touch(String id) {
        stored.computeIfPresent(id, (key, before) -> new Stored(before.bytes(), clock.instant()));
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

    /** Every finished one, the longest unused first; from memory. */
    synchronized List<Environment> list() {
        var all = new ArrayList<Environment>();
        stored.forEach(
                (id, one) -> all.add(new Environment(id, one.bytes(), one.lastUsed(), users.getOrDefault(id, 0))));
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

    /** Deletes what is beyond size and age, what builds have left, and what requirements are known to lead nowhere. */
    void tidy() {
        for (Path gone : putAside()) {
            try {
                FileTrees.delete(gone);
            } catch (UncheckedIOException e) {
                LOG.warn("{} cannot be deleted now: {}", gone, e.getMessage());
            }
        }
    }

    /** Under the lock things are chosen and renamed. */
    private synchronized List<Path> putAside() {
        Instant now = clock.instant();
        promised.values().removeIf(until -> !now.isBefore(until));
        stored.keySet().removeIf(id -> !isComplete(id));
        List<Environment> all = list();
        long taken = all.stream().mapToLong(Environment::bytes).sum();
        Instant oldest = age.isZero() ? Instant.MIN : now.minus(age);
        for (Environment one : all) {
            if (isFree(one.id()) && (taken > most || one.lastUsed().isBefore(oldest))) {
                LOG.info("The environment {} goes: {} bytes, last used {}", one.id(), one.bytes(), one.lastUsed());
                try {
                    aside(one.id());
                    stored.remove(one.id());
                    taken -= one.bytes();
                } catch (IOException e) {
                    LOG.warn("The environment {} cannot be deleted: {}", one.id(), e.getMessage());
                }
            }
        }
        var gone = new ArrayList<Path>();
        for (Path path : paths()) {
            String name = path.getFileName().toString();
            try {
                if (name.endsWith(GONE)) {
                    gone.add(path);
                } else if (name.matches(DIGEST) && isFree(name) && !isComplete(name)) {
                    LOG.info("What a build has left of the environment {} goes", name);
                    gone.add(aside(name));
                } else if (name.endsWith(ASIDE)) {
                    Files.deleteIfExists(path);
                } else if (name.endsWith(KNOWN)
                        && !isComplete(Files.readString(path).strip())) {
                    Files.deleteIfExists(path);
                    Files.deleteIfExists(folder.resolve(name.replace(KNOWN, LOGGED)));
                }
            } catch (IOException e) {
                LOG.warn("{} cannot be tidied: {}", path, e.getMessage());
            }
        }
        forgetLogs(now);
        return gone;
    }

    private boolean isFree(String id) {
        return !users.containsKey(id) && !promised.containsKey(id) && !making.contains(id);
    }

    /** Logs of builds that have led to no environment, the old ones and those beyond a number. */
    private void forgetLogs(Instant now) {
        record Told(Path path, Instant written) {}
        var logs = new ArrayList<Told>();
        for (Path path : paths()) {
            String name = path.getFileName().toString();
            if (name.endsWith(LOGGED) && !Files.exists(folder.resolve(name.replace(LOGGED, KNOWN)))) {
                try {
                    logs.add(new Told(path, Files.getLastModifiedTime(path).toInstant()));
                } catch (IOException e) {
                    LOG.debug("{} is gone", path);
                }
            }
        }
        logs.sort(Comparator.comparing(Told::written).reversed());
        for (int i = 0; i < logs.size(); i++) {
            Told log = logs.get(i);
            if (i >= MOST_LOGS || log.written().isBefore(now.minus(LOG_AGE))) {
                try {
                    Files.deleteIfExists(log.path());
                } catch (IOException e) {
                    LOG.warn("{} cannot be deleted: {}", log.path(), e.getMessage());
                }
            }
        }
    }

    private List<Path> paths() {
        try (Stream<Path> paths = Files.exists(folder) ? Files.list(folder) : Stream.empty()) {
            return paths.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
