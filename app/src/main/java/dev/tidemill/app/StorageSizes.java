package dev.tidemill.app;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseSize;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How much room each part of what a server keeps takes, measured in the background at most every five minutes. Thread-safe. */
final class StorageSizes {
    private static final Logger LOG = LoggerFactory.getLogger(StorageSizes.class);
    private static final Duration FRESH = Duration.ofMinutes(5);

    static final String DATABASE = "database";

    /** Folders of the data directory by what they hold. */
    static final List<String> FOLDERS =
            List.of("artifacts", "tables", "logs", "payloads", "journal", "python", "scoring");

    private final Path directory;
    private final Database database;
    private volatile Map<String, Long> sizes = Map.of();
    private volatile long measuredAt = System.nanoTime() - FRESH.toNanos();
    private final java.util.concurrent.atomic.AtomicBoolean measuring = new java.util.concurrent.atomic.AtomicBoolean();

    StorageSizes(Path directory, Database database) {
        this.directory = directory;
        this.database = database;
    }

    /** Bytes by part, as measured last; empty until the first measurement has ended. */
    Map<String, Long> bytes() {
        if (System.nanoTime() - measuredAt >= FRESH.toNanos() && measuring.compareAndSet(false, true)) {
            Thread.ofVirtual().name("storage-sizes").start(() -> {
                try {
                    measure();
                } finally {
                    measuredAt = System.nanoTime();
                    measuring.set(false);
                }
            });
        }
        return sizes;
    }

    long bytes(String part) {
        return bytes().getOrDefault(part, 0L);
    }

    /** Measures now. */
    void measure() {
        var measured = new TreeMap<String, Long>();
        for (String folder : FOLDERS) {
            measured.put(folder, sizeOf(directory.resolve(folder)));
        }
        try {
            measured.put(DATABASE, DatabaseSize.bytes(database));
        } catch (RuntimeException e) {
            LOG.debug("The size of the database is not known: {}", e.toString());
        }
        sizes = Map.copyOf(measured);
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
