package dev.tidemill.app;

import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.platform.backup.BackupWriter;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseDump;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/**
 * Backups of a server that goes on working: all rows as of one moment, then the files that they name. Files are only ever added while
 * a backup runs, since the collector of blobs waits for its end. Thread-safe.
 */
final class Backups {
    /** Folders of the data directory that hold what cannot be made again. */
    static final List<String> FOLDERS = List.of("artifacts", "tables", "logs", "payloads", "journal");

    static final String SECRETS_KEY = "secrets.key";

    private final Database database;
    private final Path directory;
    private final BlobCollector collector;
    private final String version;
    private final Clock clock;

    Backups(Database database, Path directory, BlobCollector collector, String version, Clock clock) {
        this.database = database;
        this.directory = directory;
        this.collector = collector;
        this.version = version;
        this.clock = clock;
    }

    /** Writes a backup to a stream, which stays open. One that fails has no manifest and cannot be restored. */
    void write(OutputStream out) {
        collector.holding(() -> {
            try {
                var archive = new BackupWriter(out);
                archive.manifest()
                        .put("tidemill", version)
                        .put("createdAt", clock.instant().toString());
                archive.manifest().set("database", new DatabaseDump(database).write(archive::add));
                for (String folder : FOLDERS) {
                    archive.addFolder(directory, folder);
                }
                // Without it the secrets in the database could not be read.
                archive.addFile(directory, directory.resolve(SECRETS_KEY));
                archive.finish();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }
}
