package dev.tidemill.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.platform.backup.BackupLayout;
import dev.tidemill.platform.backup.BackupWriter;
import dev.tidemill.platform.backup.StagedFiles;
import dev.tidemill.platform.backup.StagedParts;
import dev.tidemill.platform.backup.WatchedReceiver;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseDump;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Backups of a server that goes on working: all rows as of one moment, and every file that they name. First the rows are written to
 * a file and each file gets a second name, then both are sent: whoever receives them slowly holds nothing of the database and keeps
 * nothing from being deleted. One backup at a time. Thread-safe.
 *
 * <p>Until they have their second names no file goes that was there at the rows' moment: what deletes asks a {@link DeletionHold}.
 * Predictions move from files of the journal into the database; those files are linked between the rows' moment and the first of
 * them that may go, so that each prediction is in the backup once or twice, never not at all: the database takes one that it has
 * already without harm.
 */
final class Backups {
    private static final String JOURNAL = "journal";
    private static final String ARTIFACTS = "artifacts";

    /** Folders of the data directory that hold what cannot be made again. */
    private static final List<String> FOLDERS = List.of(ARTIFACTS, "tables", "logs", "payloads", JOURNAL);

    /** By the first byte of blobs' digests. */
    private static final int PARTS = 256;

    static final String SECRETS_KEY = "secrets.key";
    static final BackupLayout LAYOUT = new BackupLayout(FOLDERS, Set.of(SECRETS_KEY));

    /** A receiver that takes less over this time, in which it is waited for, is let go. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final long LEAST_BYTES_PER_SECOND = 1024;
    private static final Logger LOG = LoggerFactory.getLogger(Backups.class);

    private final Database database;
    private final Path directory;
    private final Path stage;
    private final Optional<PrimaryBlobs> elsewhere;
    private final DeletionHold deletions;
    private final DeletionHold journal;
    private final String version;
    private final Clock clock;
    private final AtomicBoolean underWay = new AtomicBoolean();
    private volatile long preparingSince;

    /**
     * @param elsewhere blobs that are not in the data directory; there are no second names for them, so that nothing is deleted until
     *     they are sent
     * @param deletions what deletes blobs, files of tables or logs asks it first
     * @param journal as what deletes files of predictions does it
     */
    Backups(
            Database database,
            Path directory,
            Optional<PrimaryBlobs> elsewhere,
            DeletionHold deletions,
            DeletionHold journal,
            String version,
            Clock clock) {
        this.database = database;
        this.directory = directory;
        this.elsewhere = elsewhere;
        this.stage = directory.resolve("backup");
        this.deletions = deletions;
        this.journal = journal;
        this.version = version;
        this.clock = clock;
        // Of a backup that a sudden end has broken off.
        clearStage();
    }

    void publish(Telemetry telemetry) {
        telemetry.gauge(
                "tidemill.backup.preparing.seconds",
                "For how long a backup has kept files from being deleted",
                this::preparingSeconds);
    }

    /**
     * Takes the moment of a backup, which is then written and closed.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} while another one is under way; {@code STORAGE_FULL} if it cannot be
     *     written to the data directory
     */
    Prepared prepare() {
        if (!underWay.compareAndSet(false, true)) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "A backup is under way already")
                    .remedy("Try again once it has ended");
        }
        preparingSince = System.nanoTime();
        DeletionHold.Held held = deletions.hold();
        try {
            // Before anything is sent, so that a place that is away refuses the backup.
            elsewhere.ifPresent(blobs -> blobs.beginningWith(0));
            clearStage();
            Files.createDirectories(stage);
            String createdAt = clock.instant().toString();
            var told = new AtomicReference<ObjectNode>();
            StagedParts rows = StagedParts.write(stage.resolve("rows"), target -> told.set(dump(target)));
            for (String folder : FOLDERS) {
                if (!folder.equals(JOURNAL)) {
                    StagedFiles.link(directory, folder, stage);
                }
            }
            var prepared = new Prepared(createdAt, Objects.requireNonNull(told.get()), rows, held);
            if (elsewhere.isEmpty()) {
                prepared.letGo();
            }
            return prepared;
        } catch (IOException | UncheckedIOException e) {
            letGo(held);
            end();
            throw new TidemillException(
                            ErrorCode.STORAGE_FULL, "The backup cannot be prepared in " + stage + ": " + e.getMessage())
                    .remedy("Make room on the disk of the data directory")
                    .causedBy(e);
        } catch (RuntimeException | Error e) {
            LOG.warn("The backup could not be prepared: {}", e.toString());
            letGo(held);
            end();
            throw e;
        }
    }

    private void letGo(DeletionHold.Held held) {
        held.close();
        preparingSince = 0;
    }

    /** For how many seconds a backup has kept files from being deleted; 0 if none is. */
    long preparingSeconds() {
        long since = preparingSince;
        return since == 0 ? 0 : Duration.ofNanos(System.nanoTime() - since).toSeconds();
    }

    /** The journal is held only until it is linked: it may be full before a large database is written. */
    private ObjectNode dump(StagedParts.Target target) {
        try (DeletionHold.Held held = journal.hold()) {
            return new DatabaseDump(database).write(target::part, () -> {
                StagedFiles.link(directory, JOURNAL, stage);
                held.close();
            });
        }
    }

    private void end() {
        clearStage();
        underWay.set(false);
    }

    private void clearStage() {
        try {
            FileTrees.delete(stage);
        } catch (UncheckedIOException e) {
            LOG.warn("{} could not be deleted: {}", stage, e.toString());
        }
    }

    /** A backup whose moment has passed. Not thread-safe. */
    final class Prepared implements AutoCloseable {
        private final String createdAt;
        private final ObjectNode schemasAndTables;
        private final StagedParts rows;
        private final DeletionHold.Held held;
        private boolean closed;

        private Prepared(String createdAt, ObjectNode schemasAndTables, StagedParts rows, DeletionHold.Held held) {
            this.held = held;
            this.createdAt = createdAt;
            this.schemasAndTables = schemasAndTables;
            this.rows = rows;
        }

        /** Everything has its second name. */
        private void letGo() {
            Backups.this.letGo(held);
        }

        /**
         * Writes it to a stream, which stays open. One that fails has no manifest and cannot be restored.
         *
         * @throws IOException if the stream does not take it, or too slowly
         */
        void writeTo(OutputStream out) throws IOException {
            try (var receiver = new WatchedReceiver(out, PATIENCE, LEAST_BYTES_PER_SECOND)) {
                var archive = new BackupWriter(receiver);
                archive.manifest().put("tidemill", version).put("createdAt", createdAt);
                archive.manifest().set("database", schemasAndTables);
                var named = new NamedBlobs(schemasAndTables.path("tables"));
                rows.readTo((name, lines) -> {
                    archive.add(name, lines);
                    named.read(DatabaseDump.table(name), new ByteArrayInputStream(lines));
                });
                // First, since a blob on this disk that is damaged has stayed there when it was brought elsewhere.
                if (elsewhere.isPresent()) {
                    addBlobs(archive, elsewhere.get());
                }
                for (String folder : FOLDERS) {
                    archive.addFolder(stage, folder);
                }
                // Without it the secrets in the database could not be read.
                archive.addFile(directory, directory.resolve(SECRETS_KEY));
                tellMissing(archive, named);
                letGo();
                archive.finish();
            }
        }

        private void addBlobs(BackupWriter archive, PrimaryBlobs blobs) throws IOException {
            for (int first = 0; first < PARTS; first++) {
                for (Digest digest : blobs.beginningWith(first)) {
                    try (InputStream content = blobs.openOnce(digest)) {
                        archive.addFile(NamedBlobs.path(digest), content);
                    }
                }
            }
        }

        private void tellMissing(BackupWriter archive, NamedBlobs named) throws IOException {
            List<String> missing = named.missing(new NamedBlobs.Blobs() {
                @Override
                public boolean has(String path) {
                    return archive.hasFile(path);
                }

                @Override
                public InputStream open(String path) throws IOException {
                    Optional<Digest> blob = NamedBlobs.digest(path);
                    return elsewhere.isPresent() && blob.isPresent()
                            ? elsewhere.get().openOnce(blob.get())
                            : Files.newInputStream(stage.resolve(path));
                }
            });
            missing.forEach(archive.manifest().putArray("missingBlobs")::add);
            if (!missing.isEmpty()) {
                LOG.warn("{} blobs that rows name are not in the backup, since they are not there", missing.size());
            }
        }

        /** Lets go of what was put aside; closing it again does nothing. */
        @Override
        public void close() {
            if (!closed) {
                closed = true;
                letGo();
                end();
            }
        }
    }
}
