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
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps payloads in files of Parquet, {@code PROJECT/YYYY-MM-DD/ID.parquet}: a row a request, with both bodies as JSON. Rows
 * wait in a plain file, which becomes Parquet when it is large or old; one that an earlier process left becomes so, too.
 */
public final class ParquetSink implements PayloadSink {
    private static final Logger LOG = LoggerFactory.getLogger(ParquetSink.class);
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String WAITING = ".waiting.json";
    private static final long LARGE = 32L * 1024 * 1024;
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
                if (Files.exists(project.resolve(WAITING))) {
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
        lines.forEach((project, text) -> {
            try {
                Path waiting = Files.createDirectories(folder.resolve(project)).resolve(WAITING);
                Files.writeString(waiting, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                begun.putIfAbsent(project, clock.instant());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        Instant due = clock.instant().minus(old);
        for (Map.Entry<String, Instant> one : List.copyOf(begun.entrySet())) {
            if (one.getValue().isBefore(due) || size(one.getKey()) > LARGE) {
                convert(one.getKey());
            }
        }
        return payloads.size();
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
                .put("route", payload.challenger() ? "challenger" : "champion")
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

    private void convert(String project) {
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        Path waiting = folder.resolve(project).resolve(WAITING);
        try {
            Path day = Files.createDirectories(folder.resolve(project).resolve(today.toString()));
            engine.parquet(waiting, COLUMNS, day.resolve(Ids.next() + ".parquet"), TIMEOUT);
            Files.delete(waiting);
            begun.remove(project);
            forget(project, today);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
