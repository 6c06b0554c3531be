package dev.tidemill.inference.payloads;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.inference.domain.Payload;
import dev.tidemill.inference.domain.PayloadSink;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps payloads in files of Parquet, {@code PROJECT/YYYY-MM-DD/ID.parquet}: a row a request, with both bodies as JSON. Rows
 * wait in a plain file, which is closed when it is large or old and becomes Parquet; one that an earlier process left becomes so, too. A
 * closed file carries the name of what it becomes, so that however often that is tried, its rows are there once. What fails leaves
 * nothing and is tried again after longer and longer pauses; meanwhile a project's rows wait up to a bound, beyond which they are dropped.
 */
public final class ParquetSink implements PayloadSink {
    private static final Logger LOG = LoggerFactory.getLogger(ParquetSink.class);
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String WAITING = ".waiting.json";
    private static final Pattern CLOSED = Pattern.compile("\\.closed\\.(\\d{4}-\\d{2}-\\d{2})\\.([^.]+)\\.json");
    private static final long LARGE = 32L * 1024 * 1024;
    /** Most bytes that wait for a project whose files cannot be converted. */
    static final long MOST = 8 * LARGE;

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(10);
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
    private static final Duration TIMEOUT = Duration.ofMinutes(5);
    private static final List<Column> COLUMNS = List.of(
            Column.of("id", ColumnType.TEXT),
            Column.of("time", ColumnType.TIMESTAMP),
            Column.of("milliseconds", ColumnType.DOUBLE),
            Column.of("actor", ColumnType.TEXT),
            Column.of("name", ColumnType.TEXT),
            Column.of("model", ColumnType.TEXT),
            Column.of("version", ColumnType.LONG),
            Column.of("route", ColumnType.TEXT),
            Column.of("failed", ColumnType.BOOLEAN),
            Column.of("request", ColumnType.TEXT),
            Column.of("response", ColumnType.TEXT));

    private final Path folder;
    private final QueryEngine engine;
    private final Duration old;
    private final int keepDays;
    private final Clock clock;
    private final Map<String, Instant> begun = new HashMap<>();
    private final Map<String, Failing> failing = new HashMap<>();

    /** A project whose file could not be converted, and when that is tried again. */
    private record Failing(Duration pause, Instant until) {}

    /**
     * @param old how long rows wait at most
     * @param keepDays after how many days files are deleted; 0 for never
     */
    public ParquetSink(Path folder, QueryEngine engine, Duration old, int keepDays, Clock clock) {
        this.folder = folder;
        this.engine = engine;
        this.old = old;
        this.keepDays = keepDays;
        this.clock = clock;
        try (DirectoryStream<Path> projects = Files.newDirectoryStream(Files.createDirectories(folder))) {
            for (Path project : projects) {
                if (Files.isDirectory(project)
                        && (Files.exists(project.resolve(WAITING))
                                || closed(project).isPresent())) {
                    begun.put(project.getFileName().toString(), Instant.EPOCH);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String name() {
        return "parquet";
    }

    @Override
    public int deliver(List<Payload> payloads) {
        Map<String, StringBuilder> lines = new HashMap<>();
        for (Payload payload : payloads) {
            lines.computeIfAbsent(payload.project(), unused -> new StringBuilder())
                    .append(line(payload))
                    .append('\n');
        }
        int dropped = 0;
        for (Map.Entry<String, StringBuilder> one : lines.entrySet()) {
            String project = one.getKey();
            if (size(project) + one.getValue().length() > MOST) {
                dropped += (int) payloads.stream()
                        .filter(payload -> payload.project().equals(project))
                        .count();
                continue;
            }
            try {
                Path waiting = Files.createDirectories(folder.resolve(project)).resolve(WAITING);
                Files.writeString(waiting, one.getValue(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                begun.putIfAbsent(project, clock.instant());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        Instant due = clock.instant().minus(old);
        for (Map.Entry<String, Instant> one : List.copyOf(begun.entrySet())) {
            if (one.getValue().isBefore(due) || size(one.getKey()) > LARGE) {
                tried(one.getKey());
            }
        }
        return payloads.size() - dropped;
    }

    /** Converts what a project has, unless that failed a short while ago. */
    private void tried(String project) {
        Instant now = clock.instant();
        Optional<Failing> before = Optional.ofNullable(failing.get(project));
        if (before.isPresent() && now.isBefore(before.get().until())) {
            return;
        }
        try {
            convert(project);
            failing.remove(project);
        } catch (RuntimeException e) {
            Duration pause = before.map(Failing::pause)
                    .map(last -> last.multipliedBy(2))
                    .filter(next -> next.compareTo(LONGEST_PAUSE) < 0)
                    .orElse(before.isPresent() ? LONGEST_PAUSE : FIRST_PAUSE);
            failing.put(project, new Failing(pause, now.plus(pause)));
            // How it came to fail is logged once.
            if (before.isEmpty()) {
                LOG.warn(
                        "Payloads of {} do not become Parquet; that is tried again in {} s",
                        project,
                        pause.toSeconds(),
                        e);
            } else {
                LOG.warn("Payloads of {} still do not; that is tried again in {} s", project, pause.toSeconds());
            }
        }
    }

    private static String line(Payload payload) {
        ObjectNode row = MAPPER.createObjectNode()
                .put("id", payload.request().id())
                .put("time", payload.receivedAt().toString())
                .put("milliseconds", payload.nanos() / 1e6)
                .put("actor", payload.request().actor())
                .put("name", payload.name())
                .put("model", payload.model().model())
                .put("version", payload.model().version())
                .put("route", payload.route().text())
                .put("failed", payload.error().isPresent())
                .put("request", new String(PayloadJson.request(payload), StandardCharsets.UTF_8))
                .put("response", new String(PayloadJson.response(payload), StandardCharsets.UTF_8));
        return row.toString();
    }

    private long size(String project) {
        try {
            return Files.size(folder.resolve(project).resolve(WAITING));
        } catch (IOException e) {
            return 0;
        }
    }

    private static Optional<Path> closed(Path project) throws IOException {
        try (Stream<Path> files = Files.list(project)) {
            return files.filter(file ->
                            CLOSED.matcher(file.getFileName().toString()).matches())
                    .sorted()
                    .findFirst();
        }
    }

    /** Converts the file that was closed before, if there is one, and then the one that waits. */
    private void convert(String project) {
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        Path home = folder.resolve(project);
        try {
            Optional<Path> earlier = closed(home);
            if (earlier.isPresent()) {
                convert(earlier.get());
            }
            Path waiting = home.resolve(WAITING);
            if (Files.exists(waiting)) {
                Path closed = home.resolve(".closed." + today + "." + Ids.next() + ".json");
                Files.move(waiting, closed, StandardCopyOption.ATOMIC_MOVE);
                convert(closed);
            }
            begun.remove(project);
            forget(project, today);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes the file that a closed one is named after. It is written aside, and is in its place when it is whole. */
    private void convert(Path closed) throws IOException {
        Matcher name = CLOSED.matcher(closed.getFileName().toString());
        if (!name.matches()) {
            throw new IllegalArgumentException("no closed file: " + closed);
        }
        Path day = Files.createDirectories(closed.resolveSibling(name.group(1)));
        Path aside = day.resolve("." + name.group(2) + ".part");
        try {
            Files.deleteIfExists(aside);
            engine.parquet(closed, COLUMNS, aside, TIMEOUT);
            Files.move(aside, day.resolve(name.group(2) + ".parquet"), StandardCopyOption.ATOMIC_MOVE);
            Files.delete(closed);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private void forget(String project, LocalDate today) throws IOException {
        if (keepDays == 0) {
            return;
        }
        try (DirectoryStream<Path> days = Files.newDirectoryStream(folder.resolve(project), "????-??-??")) {
            for (Path day : days) {
                if (day.getFileName()
                                .toString()
                                .compareTo(today.minusDays(keepDays).toString())
                        < 0) {
                    FileTrees.delete(day);
                }
            }
        }
    }

    @Override
    public void close() {
        for (String project : List.copyOf(begun.keySet())) {
            try {
                convert(project);
            } catch (RuntimeException e) {
                LOG.info("Payloads of {} wait for the next start: {}", project, e.toString());
            }
        }
    }
}
