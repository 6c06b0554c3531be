package dev.tidemill.app;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseSize;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How much room each part of what a server keeps takes, measured in the background at most every five minutes. Thread-safe. */
final class StorageSizes {
    private static final Logger LOG = LoggerFactory.getLogger(StorageSizes.class);

    static final String DATABASE = "database";

    /** Folders of the data directory by what they hold. */
    static final List<String> FOLDERS = List.of(
            "artifacts", Foundation.ARTIFACT_COPIES, "tables", "logs", "payloads", "journal", "python", "scoring");

    private final Path directory;
    private final Database database;
    private final Measured<Map<String, Long>> measured;

    StorageSizes(Path directory, Database database, Clock clock) {
        this.directory = directory;
        this.database = database;
        this.measured = new Measured<>("Sizes of what is kept", this::measure, clock);
    }

    /** Bytes by part, as measured last; empty if the first measurement does not end within this time. */
    Optional<Measured.Finding<Map<String, Long>>> bytes(Duration patience) {
        return measured.newest(patience);
    }

    void publish(Telemetry telemetry) {
        Stream.concat(FOLDERS.stream(), Stream.of(DATABASE))
                .forEach(part -> telemetry.gauge(
                        "tidemill.storage." + part + ".bytes",
                        "Bytes that " + part + " takes, measured at most every five minutes",
                        () -> bytes(part)));
        telemetry.gauge("tidemill.storage.age.seconds", "How long ago that was measured", measured::ageSeconds);
    }

    private Number bytes(String part) {
        Optional<Long> known = measured.newest().map(finding -> finding.value().get(part));
        return known.isPresent() ? known.get() : Double.NaN;
    }

    private Map<String, Long> measure() {
        var sizes = new TreeMap<String, Long>();
        for (String folder : FOLDERS) {
            sizes.put(folder, sizeOf(directory.resolve(folder)));
        }
        try {
            sizes.put(DATABASE, DatabaseSize.bytes(database));
        } catch (RuntimeException e) {
            LOG.debug("The size of the database is not known: {}", e.toString());
        }
        return Map.copyOf(sizes);
    }

    private static long sizeOf(Path folder) {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        var total = new java.util.concurrent.atomic.AtomicLong();
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes about) {
                    total.addAndGet(about.size());
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException gone) {
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            LOG.debug("{} could not be measured: {}", folder, e.toString());
        }
        return total.get();
    }
}
